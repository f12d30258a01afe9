/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shared queue: a lock-free chain of rings, which grows, with one producer and any
 * number of consumers. Knows no pool, no CPU and no tier. Its producer and consumers
 * follow the rules of a ring's (ring.h).
 */
#ifndef _PCPOOL_QUEUE_H
#define _PCPOOL_QUEUE_H

#include "ring.h"

/*
 * Size of the first ring of a queue, in objects: room for two spills of full slots, and
 * small enough (304 bytes) that a CPU which overflows only occasionally costs very little.
 */
#define PCPOOL_RING_MIN		32u

/*
 * Size of the largest ring; a queue keeps growing by rings of this size. It takes 68 KiB:
 * a put may allocate one, and must neither take long nor need much contiguous memory.
 */
#define PCPOOL_RING_MAX		0x2000u

/**
 * struct pcpool_queue - a chain of rings, each twice as large as the one before it if
 *	memory allows
 * @head: the newest ring, the only one that is pushed to; written by the producer only
 * @tail: the oldest ring that may hold objects; moved on by consumers
 *
 * Both are NULL until the first ring is added.
 */
struct pcpool_queue {
	struct pcpool_ring *head;
	struct pcpool_ring *tail;
};

/* For the producer. */
unsigned int pcpool_queue_room(const struct pcpool_queue *q, unsigned int n);
unsigned int pcpool_queue_push(struct pcpool_queue *q, void **objs,
			       unsigned int n);
struct pcpool_ring *pcpool_queue_claim_head(struct pcpool_queue *q,
					    unsigned int *n, u32 *at);
unsigned int pcpool_queue_pop_head(struct pcpool_queue *q, void **objs,
				   unsigned int n);
void pcpool_queue_add_ring(struct pcpool_queue *q, struct pcpool_ring *ring);
bool pcpool_queue_release(struct pcpool_queue *q);

/* For any context that is the producer of @to. */
unsigned int pcpool_queue_move(struct pcpool_queue *q, struct pcpool_queue *to,
			       unsigned int n);

/* For any context on the CPU that pushes to @q. */
unsigned int pcpool_queue_next_size(const struct pcpool_queue *q);

/* For any context. */
unsigned int pcpool_queue_pop_tail(struct pcpool_queue *q, void **objs,
				   unsigned int n, bool half);
unsigned long pcpool_queue_count(const struct pcpool_queue *q);
size_t pcpool_queue_bytes(const struct pcpool_queue *q);

#endif /* _PCPOOL_QUEUE_H */
