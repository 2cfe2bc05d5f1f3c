/// Where completions come from: the engine, a file of recorded ones, or a server.
///
/// Read [org.attune.rollout.RolloutSource], then [EngineRollouts].
package org.attune.rollout.source;
