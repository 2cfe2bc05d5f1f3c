import module java.base;

import org.attune.reward.*;
import org.attune.reward.builtin.*;

/// The reward `{name: brevity, limit: 20}`: 1 for at most so many characters, less for more.
public final class Brevity implements RewardKind {
    @Override
    public String name() {
        return "brevity";
    }

    @Override
    public RewardFunction open(Parameters parameters, Path directory) {
        int limit = parameters.integer("limit", 20, 1);
        parameters.check();
        return batch ->
                batch.completions().stream()
                        .map(c -> (double) limit / Math.max(limit, c.text().length()))
                        .map(OptionalDouble::of)
                        .toList();
    }
}
