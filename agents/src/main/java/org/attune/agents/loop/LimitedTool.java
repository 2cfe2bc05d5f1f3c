package org.attune.agents.loop;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;

import java.time.Duration;
import java.util.Map;

/// A tool within other limits than its own.
record LimitedTool(Tool tool, ToolLimits limits) implements Tool {
    /// The tool in what time is allowed to any.
    static Tool within(Tool tool, Duration most) {
        ToolLimits own = tool.limits();
        return own.timeout().compareTo(most) <= 0
                ? tool
                : new LimitedTool(
                        tool, new ToolLimits(most, own.isSlownessTheModels(), own.maxCharacters()));
    }

    /// The tool in what time is left to an episode. That it is over is nobody's fault.
    static Tool inTimeLeft(Tool tool, Duration left) {
        ToolLimits own = tool.limits();
        Duration some = left.isPositive() ? left : Duration.ofNanos(1);
        return own.timeout().compareTo(some) <= 0
                ? tool
                : new LimitedTool(tool, new ToolLimits(some, true, own.maxCharacters()));
    }

    @Override
    public ToolSpec spec() {
        return tool.spec();
    }

    @Override
    public ToolResult call(Map<String, Object> arguments, ToolContext context) throws Exception {
        return tool.call(arguments, context);
    }
}
