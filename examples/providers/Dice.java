import module java.base;

import org.attune.agents.spec.ToolKind;
import org.attune.agents.tool.*;
import org.attune.reward.builtin.Parameters;

/// The tool `{name: dice, sides: 6}`, which draws from the run's seed.
public final class Dice implements ToolKind {
    @Override
    public String name() {
        return "dice";
    }

    @Override
    public ToolSetFactory open(Parameters parameters, Path directory) {
        int sides = parameters.integer("sides", 6, 2);
        parameters.check();
        var spec = ToolSpec.of("roll", "Rolls a die of %d sides.".formatted(sides));
        Tool roll = Tool.of(spec, (_, context) -> 1 + context.random().nextInt(sides));
        return _ -> ToolSet.of(List.of(roll));
    }
}
