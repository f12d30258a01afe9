// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the inlined paths of a pool are open or closed; see gate.h. Called in task context. A
 * get or put that is already on its way may still take the old path; a caller that must
 * wait for these does so itself (debug.c).
 */
#include <linux/mutex.h>

#include "gate.h"
#include "slots.h"

/* Serialises changes of what decides about the slots, and of the slots themselves. */
static DEFINE_MUTEX(gate_lock);

/* Choose the slots that the inlined paths see; see struct pcpool. */
void pcpool_gate_update(struct pcpool_core *core)
{
	bool switched = core->bypass || core->dead || core->closed_for_debug ||
			core->failing;
	bool closed = switched || !core->nr_slots;
	bool cleaned = core->ops->reset || core->flags & PCPOOL_ZERO_ON_PUT;

	WRITE_ONCE(core->cleaned_slots,
		   cleaned && !closed && !core->max_object_bytes ? core->slots : NULL);
	WRITE_ONCE(core->pool.get_slots, closed ? pcpool_closed_slots : core->slots);
	WRITE_ONCE(core->pool.put_slots,
		   closed || cleaned || core->max_object_bytes ? pcpool_closed_slots :
								 core->slots);
}

/* Idle objects stay where they are, and are used again when the bypass ends. */
void pcpool_gate_set_bypass(struct pcpool_core *core, bool on)
{
	mutex_lock(&gate_lock);
	WRITE_ONCE(core->bypass, on || core->ending);
	pcpool_gate_update(core);
	mutex_unlock(&gate_lock);
}

/* From now on, gets fail, and puts free their objects. */
void pcpool_gate_set_ending(struct pcpool_core *core)
{
	mutex_lock(&gate_lock);
	WRITE_ONCE(core->ending, true);
	WRITE_ONCE(core->bypass, true);
	pcpool_gate_update(core);
	mutex_unlock(&gate_lock);
}

void pcpool_gate_set_debug(struct pcpool_core *core, bool on)
{
	mutex_lock(&gate_lock);
	core->closed_for_debug = on;
	pcpool_gate_update(core);
	mutex_unlock(&gate_lock);
}

/* Fault injection: gets must come out of line, to fail. */
void pcpool_gate_set_failing(struct pcpool_core *core, bool on)
{
	mutex_lock(&gate_lock);
	WRITE_ONCE(core->failing, on);
	pcpool_gate_update(core);
	mutex_unlock(&gate_lock);
}

/* From now on, every get and put of the destroyed pool goes out of line, and is reported. */
void pcpool_gate_set_dead(struct pcpool_core *core)
{
	core->dead = true;
	pcpool_gate_update(core);
}
