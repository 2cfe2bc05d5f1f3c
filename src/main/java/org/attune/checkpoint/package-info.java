/// Checkpoints: everything a run needs to continue with the numbers it would have had, written
/// whole or not at all.
///
/// Read [CheckpointStore], then [RunState] and [FileList].
///
/// `checkpoint-N/` holds the model's own files (a PEFT adapter folder, for example),
/// `optimizer.safetensors` (trained values in float32, moments), `run_state.json` (position,
/// counters, what the run is made of), `trainer_state.json` (transformers' form, for other tools)
/// and `checkpoint.json`. The last is the list of files with their sizes and SHA-256 hashes, by
/// which a damaged checkpoint is told from a whole one.
package org.attune.checkpoint;
