/// Generates with the engine in this process. Read [Generator], then [GenerationRun];
/// [TextCompleter] and [ChatSession] are its front doors for text.
package org.attune.rollout.generation;
