/// Generates with the engine in this process. [Generator] completes a list of prompts,
/// [GenerationLoop] prompts that come one by one; [TextCompleter] and [ChatSession] are front doors
/// for text. Read [GenerationBatch], on which both stand, then [GenerationRun] and
/// [GenerationLoop].
///
/// Shapes: `B` sequences that get a token, `V` vocabulary.
package org.attune.rollout.generation;
