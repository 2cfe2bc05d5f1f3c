package org.attune.agents.tool;

import java.time.Duration;

/// Within which limits a tool is called.
///
/// @param timeout of one call
/// @param isSlownessTheModels whether a call that takes longer is the model's doing, as with code
///     that it wrote: it reads so, and the episode goes on. Else the world has failed
public record ToolLimits(Duration timeout, boolean isSlownessTheModels) {
    /// 30 seconds; a call that takes longer is the world's failure.
    public static final ToolLimits DEFAULT = new ToolLimits(Duration.ofSeconds(30), false);
}
