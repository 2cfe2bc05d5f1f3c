/// Which rows a step trains on, and how they are computed.
///
/// *Logical* micro-batches define the mathematics, as in TRL: a step is
/// `gradient_accumulation_steps` of them, each of `per_device_train_batch_size` rows. *Physical*
/// groups, cut by a token budget, define memory and speed only; losses and gradients don't depend
/// on them.
package org.attune.trainers.batch;
