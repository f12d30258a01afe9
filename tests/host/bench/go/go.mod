module pcpool/lab

go 1.18
