/// Generates with the engine in this process. Everything submits to a [GenerationLoop]:
/// [Generator] a list of prompts, [TurnGenerator] turns of episodes; [TextCompleter] and
/// [ChatSession] are front doors for text. Read [GenerationLoop], then [GenerationBatch] and
/// [Ticket].
///
/// Shapes: `B` sequences that get a token, `V` vocabulary.
package org.attune.rollout.generation;
