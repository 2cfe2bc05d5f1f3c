package org.attune.agents.loop;

import org.attune.agents.tool.ToolCaller;

/// What the episodes of a round have in common.
///
/// @param caller runs calls
/// @param maxCompletionLength most tokens after a prompt, own and others, ≥ 1
/// @param context positions of the model, which prompt and completion share
record EpisodeSetup(
        Worlds worlds,
        EpisodeFormat format,
        EpisodeConfig config,
        ToolCaller caller,
        int maxCompletionLength,
        int context) {
    /// TRL looks at the model's positions where answers are appended, and not where turns are
    /// sampled.
    TurnBudget budget() {
        return new TurnBudget(limits(), maxCompletionLength, isTrl() ? Integer.MAX_VALUE : context);
    }

    EpisodeLimits limits() {
        return config.limits();
    }

    boolean isTrl() {
        return config.trlCompat();
    }

    /// Turns whose calls run.
    int iterations() {
        return config.maxToolCallingIterations().orElse(Integer.MAX_VALUE);
    }
}
