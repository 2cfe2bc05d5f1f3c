package org.attune.agents.tool;

import java.util.Map;

/// A tool whose work is a lambda.
record FunctionTool(ToolSpec spec, ToolFunction does, ToolLimits limits) implements Tool {
    @Override
    public ToolResult call(Map<String, Object> arguments, ToolContext context) throws Exception {
        return ResultText.of(does.call(arguments, context));
    }
}
