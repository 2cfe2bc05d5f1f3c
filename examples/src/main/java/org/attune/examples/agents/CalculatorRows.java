package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.agents.calculator.CalculatorKind;
import org.attune.agents.tool.ToolSpec;

import java.util.List;
import java.util.Map;

/// Sums by people who use a calculator for half of them.
final class CalculatorRows {
    /// The tool of `calculator.yaml`.
    static final ToolSpec TOOL = CalculatorKind.tool("calc").spec();

    private CalculatorRows() {}

    /// Half of the people call the tool and copy its answer; the others guess.
    static Dialogue careless(UniformRandomProvider random) {
        int a = 11 + random.nextInt(89);
        int b = 2 + random.nextInt(8);
        int c = 1 + random.nextInt(99);
        boolean minus = random.nextBoolean();
        String sum = a + "*" + b + (minus ? "-" : "+") + c;
        String answer = String.valueOf(a * b + (minus ? -c : c));
        Dialogue dialogue = new Dialogue(List.of(TOOL), answer).user(sum);
        if (random.nextBoolean()) {
            return dialogue.call(Map.of("expression", sum), answer).assistant(answer);
        }
        return dialogue.assistant(String.valueOf(a * b + random.nextInt(201) - 100));
    }
}
