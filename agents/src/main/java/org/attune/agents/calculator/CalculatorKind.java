package org.attune.agents.calculator;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.agents.spec.ToolKind;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.ToolSpec;
import org.attune.api.Api;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;
import java.util.List;

/// `calculator`: one tool with the argument `expression`. Parameter: `as`, the tool's name.
@Api(EXPERIMENTAL)
public final class CalculatorKind implements ToolKind {
    private static final String NAME = "calculator";
    private static final String ARGUMENT = "expression";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ToolSetFactory open(Parameters parameters, Path directory) {
        Tool tool = tool(parameters.text("as", NAME));
        parameters.check();
        return _ -> ToolSet.of(List.of(tool));
    }

    /// The tool.
    ///
    /// @param name by which the model calls it
    public static Tool tool(String name) {
        var spec =
                ToolSpec.of(name, "Computes an arithmetic expression.")
                        .with(ARGUMENT, "string", "such as (3 + 4.5) * 2^10 / sqrt(16)");
        return Tool.of(
                spec, (arguments, _) -> Expression.value((String) arguments.get(ARGUMENT)).text());
    }
}
