// SPDX-License-Identifier: GPL-2.0
/*
 * Sample client of pcpool: devices that compress
 *
 * /dev/pcpool_deflate and /dev/pcpool_zstd compress what is written to them: each
 * write() makes one frame (pcpool_sample.h), which read() returns. An open file
 * is a stream of its own and holds one frame at a time: like a pipe, a write
 * waits until the frame before it has been read, and a read until there is one.
 *
 * A compressor needs a workspace, and making one can cost more than compressing
 * a page: zlib's is about 268 KiB, so vmalloc() has to find and map some 70 pages
 * and vfree() to unmap them again. One workspace per open file would pin that
 * memory however seldom the file is written to; one for all would make writers
 * wait for each other. So a workspace belongs to a request: a write takes one
 * from a pool and gives it back, and there are soon about as many as there are
 * CPUs that compress at the same time, each in the cache of the CPU it is used on.
 *
 * What it takes to be a client: the callbacks that make and unmake an object, a
 * pool made and destroyed with the module, and the get and put in
 * compress_chunk().
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/zlib.h>
#include <linux/zstd.h>

#include <linux/pcpool.h>

#include "pcpool_sample.h"

/* What btrfs compresses with unless told otherwise: made for requests like ours. */
#define DEFLATE_LEVEL	3
#define ZSTD_LEVEL	3

/*
 * Room for a chunk that does not compress. The most that zlib can make of n bytes
 * is n + n/8 + n/64 + 13 (deflateBound() in user space); Zstandard stays below.
 */
#define PACKED_MAX	(PCPOOL_SAMPLE_CHUNK + PCPOOL_SAMPLE_CHUNK / 8 + \
			 PCPOOL_SAMPLE_CHUNK / 64 + 16)
#define FRAME_MAX	(sizeof(struct pcpool_sample_frame) + PACKED_MAX)

/**
 * struct stream - an open file
 * @compressor: what it was opened for
 * @lock: held while the frame is made, and while it is copied out
 * @wait: for whoever waits for a frame, or for room for one
 * @frame_bytes: size of the frame
 * @unread: how many of these bytes have not been read; written under @lock, and
 *	read without it to decide whether to wait
 * @plain: the chunk to compress
 * @frame: what became of it
 */
struct stream {
	struct compressor *compressor;
	struct mutex lock;	/* of the frame */
	wait_queue_head_t wait;
	size_t frame_bytes;
	size_t unread;
	u8 plain[PCPOOL_SAMPLE_CHUNK];
	u8 frame[FRAME_MAX] __aligned(sizeof(struct pcpool_sample_frame));
};

/* What a compressor works with: its state, and the memory that it needs besides. */
struct workspace {
	union {
		struct z_stream_s zlib;
		zstd_cctx *zstd;
	};
	u8 memory[] __aligned(8);
};

DEFINE_PCPOOL_TYPE(workspace, struct workspace);

/**
 * struct compressor - one device, and the pool behind it
 * @misc: the device
 * @pool_name: what the pool is called
 * @ops: how a workspace is made and unmade
 * @workspace_bytes: how big one is
 * @compress: compresses @len bytes at @plain into @packed, of %PACKED_MAX bytes;
 *	returns how many of them that took, or 0 if it failed
 * @pool: the workspaces; each request borrows one
 */
struct compressor {
	struct miscdevice misc;
	const char *pool_name;
	struct pcpool_ops ops;
	size_t (*workspace_bytes)(void);
	size_t (*compress)(struct workspace *ws, u8 *packed, const u8 *plain, size_t len);
	struct workspace_pool *pool;
};

/* Of both kinds of workspace; vfree() may sleep, hence PCPOOL_FREE_MAY_SLEEP. */
static void workspace_free(void *obj, void *ctx)
{
	vfree(obj);
}

/* deflate */

static size_t deflate_workspace_bytes(void)
{
	return sizeof(struct workspace) +
	       zlib_deflate_workspacesize(MAX_WBITS, MAX_MEM_LEVEL);
}

static void *deflate_alloc(gfp_t gfp, void *ctx)
{
	struct workspace *ws = __vmalloc(deflate_workspace_bytes(), gfp);

	if (!ws)
		return NULL;
	ws->zlib.workspace = ws->memory;
	if (zlib_deflateInit2(&ws->zlib, DEFLATE_LEVEL, Z_DEFLATED, MAX_WBITS,
			      MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		vfree(ws);
		return NULL;
	}
	return ws;
}

/* Makes a used workspace like a new one, so that a get need not tell them apart. */
static void deflate_reset(void *obj, void *ctx)
{
	struct workspace *ws = obj;

	zlib_deflateReset(&ws->zlib);
}

static size_t deflate_compress(struct workspace *ws, u8 *packed, const u8 *plain, size_t len)
{
	ws->zlib.next_in = plain;
	ws->zlib.avail_in = len;
	ws->zlib.next_out = packed;
	ws->zlib.avail_out = PACKED_MAX;
	if (zlib_deflate(&ws->zlib, Z_FINISH) != Z_STREAM_END)
		return 0;
	return ws->zlib.total_out;
}

/* Zstandard, which not every kernel has been built with */

#if IS_REACHABLE(CONFIG_ZSTD_COMPRESS)
static zstd_parameters zstd_params(void)
{
	return zstd_get_params(ZSTD_LEVEL, PCPOOL_SAMPLE_CHUNK);
}

static size_t zstd_memory_bytes(void)
{
	zstd_parameters params = zstd_params();

	return zstd_cctx_workspace_bound(&params.cParams);
}

static size_t zstd_workspace_bytes(void)
{
	return sizeof(struct workspace) + zstd_memory_bytes();
}

static void *zstd_alloc(gfp_t gfp, void *ctx)
{
	struct workspace *ws = __vmalloc(zstd_workspace_bytes(), gfp);

	if (!ws)
		return NULL;
	ws->zstd = zstd_init_cctx(ws->memory, zstd_memory_bytes());
	if (!ws->zstd) {
		vfree(ws);
		return NULL;
	}
	return ws;
}

static size_t zstd_compress(struct workspace *ws, u8 *packed, const u8 *plain, size_t len)
{
	zstd_parameters params = zstd_params();
	size_t size;

	size = zstd_compress_cctx(ws->zstd, packed, PACKED_MAX, plain, len, &params);
	return zstd_is_error(size) ? 0 : size;
}
#endif /* IS_REACHABLE(CONFIG_ZSTD_COMPRESS) */

/* The devices */

static int sample_open(struct inode *inode, struct file *file)
{
	struct stream *stream;

	stream = __vmalloc(sizeof(*stream), GFP_KERNEL_ACCOUNT);
	if (!stream)
		return -ENOMEM;
	/* misc_open() has left the device there */
	stream->compressor = container_of(file->private_data,
					  struct compressor, misc);
	mutex_init(&stream->lock);
	init_waitqueue_head(&stream->wait);
	stream->unread = 0;
	file->private_data = stream;
	return stream_open(inode, file);
}

static int sample_release(struct inode *inode, struct file *file)
{
	vfree(file->private_data);
	return 0;
}

static bool has_frame(struct stream *stream)
{
	return READ_ONCE(stream->unread) > 0;
}

/* Takes the lock once the stream has a frame, or has none, whichever is wanted. */
static int lock_stream(struct file *file, bool wanted)
{
	struct stream *stream = file->private_data;

	for (;;) {
		if (mutex_lock_interruptible(&stream->lock))
			return -ERESTARTSYS;
		if (has_frame(stream) == wanted)
			return 0;
		mutex_unlock(&stream->lock);

		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(stream->wait,
					     has_frame(stream) == wanted))
			return -ERESTARTSYS;
	}
}

static void unlock_stream(struct stream *stream)
{
	mutex_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

static int compress_chunk(struct stream *stream, size_t len)
{
	struct compressor *compressor = stream->compressor;
	struct pcpool_sample_frame *header = (void *)stream->frame;
	size_t packed;

	/* Put at the end, whichever that is. */
	CLASS(workspace_scope, ws)(compressor->pool, GFP_KERNEL);
	if (!ws.obj)
		return -ENOMEM;
	packed = compressor->compress(ws.obj, (u8 *)(header + 1), stream->plain, len);
	if (!packed)
		return -EIO;

	header->packed = cpu_to_le32(packed);
	header->plain = cpu_to_le32(len);
	stream->frame_bytes = sizeof(*header) + packed;
	WRITE_ONCE(stream->unread, stream->frame_bytes);
	return 0;
}

static ssize_t sample_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	struct stream *stream = file->private_data;
	int err;

	if (!count)
		return 0;
	count = min_t(size_t, count, PCPOOL_SAMPLE_CHUNK);

	err = lock_stream(file, false);
	if (err)
		return err;
	if (copy_from_user(stream->plain, from, count))
		err = -EFAULT;
	else
		err = compress_chunk(stream, count);
	unlock_stream(stream);
	return err ?: count;
}

static ssize_t sample_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	struct stream *stream = file->private_data;
	const u8 *from;
	int err;

	err = lock_stream(file, true);
	if (err)
		return err;
	count = min(count, stream->unread);
	from = stream->frame + stream->frame_bytes - stream->unread;
	if (copy_to_user(to, from, count))
		err = -EFAULT;
	else
		WRITE_ONCE(stream->unread, stream->unread - count);
	unlock_stream(stream);
	return err ?: count;
}

static __poll_t sample_poll(struct file *file, poll_table *table)
{
	struct stream *stream = file->private_data;

	poll_wait(file, &stream->wait, table);
	return has_frame(stream) ? EPOLLIN | EPOLLRDNORM :
				   EPOLLOUT | EPOLLWRNORM;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = sample_open,
	.release = sample_release,
	.write = sample_write,
	.read = sample_read,
	.poll = sample_poll,
};

static struct compressor compressors[] = {
	{
		.misc = {
			.minor = MISC_DYNAMIC_MINOR,
			.name = "pcpool_deflate",
			.fops = &sample_fops,
		},
		.pool_name = "deflate",
		.ops = {
			.alloc = deflate_alloc,
			.free = workspace_free,
			.reset = deflate_reset,
		},
		.workspace_bytes = deflate_workspace_bytes,
		.compress = deflate_compress,
	},
#if IS_REACHABLE(CONFIG_ZSTD_COMPRESS)
	{
		.misc = {
			.minor = MISC_DYNAMIC_MINOR,
			.name = "pcpool_zstd",
			.fops = &sample_fops,
		},
		.pool_name = "zstd",
		.ops = {
			.alloc = zstd_alloc,
			.free = workspace_free,
			/* no reset: zstd_compress_cctx() starts afresh by itself */
		},
		.workspace_bytes = zstd_workspace_bytes,
		.compress = zstd_compress,
	},
#endif
};

static int compressor_add(struct compressor *compressor)
{
	const struct pcpool_params params = {
		.name = compressor->pool_name,
		.ops = &compressor->ops,
		.object_bytes = compressor->workspace_bytes(),
		.flags = PCPOOL_FREE_MAY_SLEEP,
	};
	int err;

	compressor->pool = workspace_pool_create(&params);
	if (IS_ERR(compressor->pool))
		return PTR_ERR(compressor->pool);
	/* The device comes last: it can be opened as soon as it is there. */
	err = misc_register(&compressor->misc);
	if (err)
		workspace_pool_destroy(compressor->pool);
	return err;
}

/* No file is open any more, so no workspace is out: the pool can go. */
static void compressor_remove(struct compressor *compressor)
{
	misc_deregister(&compressor->misc);
	workspace_pool_destroy(compressor->pool);
}

static int __init sample_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(compressors); i++) {
		err = compressor_add(&compressors[i]);
		if (err)
			goto undo;
	}
	return 0;

undo:
	while (i--)
		compressor_remove(&compressors[i]);
	return err;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(compressors); i++)
		compressor_remove(&compressors[i]);
}
module_exit(sample_exit);

MODULE_DESCRIPTION("Sample client of pcpool: devices that compress");
MODULE_LICENSE("GPL");
