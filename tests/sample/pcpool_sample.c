// SPDX-License-Identifier: GPL-2.0
/*
 * Sample client of pcpool: devices that compress
 *
 * /dev/pcpool_deflate and /dev/pcpool_zstd compress the data written to them. Each
 * write() produces one frame (pcpool_sample.h), which read() returns. Each open file
 * is a separate stream and holds one frame at a time: as with a pipe, a write waits
 * until the previous frame has been read, and a read waits for a frame.
 *
 * A compressor needs a workspace, and setting one up can cost more than compressing
 * a page: zlib's takes about 268 KiB, so vmalloc() has to allocate and map some 70
 * pages, and vfree() has to unmap them. A workspace per open file would pin that
 * memory even if the file is rarely written to. A single workspace would make
 * writers wait for each other. So each write gets a workspace from a pool and puts
 * it back. The pool soon holds about as many workspaces as there are CPUs that
 * compress at the same time, each in the cache of the CPU that uses it.
 *
 * The parts that make this module a client of pcpool: the callbacks that allocate
 * and free a workspace, a pool created at module load and destroyed at unload, and
 * the get and put in compress_chunk().
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

/* The defaults of btrfs, which has similar requests. */
#define DEFLATE_LEVEL	3
#define ZSTD_LEVEL	3

/*
 * Space for a chunk that does not compress. zlib's output for n bytes is at most
 * n + n/8 + n/64 + 13 bytes (deflateBound() in user space); Zstandard's is smaller.
 */
#define PACKED_MAX	(PCPOOL_SAMPLE_CHUNK + PCPOOL_SAMPLE_CHUNK / 8 + \
			 PCPOOL_SAMPLE_CHUNK / 64 + 16)
#define FRAME_MAX	(sizeof(struct pcpool_sample_frame) + PACKED_MAX)

/**
 * struct stream - an open file
 * @compressor: the device that was opened
 * @lock: held while the frame is produced, and while it is copied out
 * @wait: tasks that wait for a frame, or until the frame has been read
 * @frame_bytes: size of the frame
 * @unread: number of bytes of the frame that have not been read. Written under @lock;
 *	read without it to decide whether to wait
 * @plain: the chunk to compress
 * @frame: the compressed chunk with its header
 */
struct stream {
	struct compressor *compressor;
	struct mutex lock;	/* protects the frame */
	wait_queue_head_t wait;
	size_t frame_bytes;
	size_t unread;
	u8 plain[PCPOOL_SAMPLE_CHUNK];
	u8 frame[FRAME_MAX] __aligned(sizeof(struct pcpool_sample_frame));
};

/* The state of a compressor, and its working memory. */
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
 * @pool_name: name of the pool
 * @ops: callbacks that allocate and free a workspace
 * @workspace_bytes: returns the size of a workspace
 * @compress: compresses @len bytes at @plain into @packed, which has %PACKED_MAX bytes;
 *	returns the number of bytes used, or 0 on failure
 * @pool: the pool of workspaces; each request uses one
 */
struct compressor {
	struct miscdevice misc;
	const char *pool_name;
	struct pcpool_ops ops;
	size_t (*workspace_bytes)(void);
	size_t (*compress)(struct workspace *ws, u8 *packed, const u8 *plain, size_t len);
	struct workspace_pool *pool;
};

/* For both kinds of workspace. vfree() may sleep, hence PCPOOL_FREE_MAY_SLEEP. */
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

/* Resets a used workspace at the put, so that each get returns one in its initial state. */
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

/* Zstandard, which some kernels lack */

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
	/* Set by misc_open(). */
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

/* Waits until the stream has a frame (@wanted) or has none (!@wanted), and takes the lock. */
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

	/* Put at the end of the scope, on every return path. */
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
			/* No reset: zstd_compress_cctx() initialises the state itself. */
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
	/* Register the device last: it can be opened from then on. */
	err = misc_register(&compressor->misc);
	if (err)
		workspace_pool_destroy(compressor->pool);
	return err;
}

/* No file is open at this point, so no workspace is outstanding. */
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
