package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// A reward that judges every turn of an episode. The episode's reward is their sum; with `credit:
/// turns` each turn is credited with what comes from there on.
/// ```
/// public class Cheap implements TurnReward {
///     public Optional<double[]> turns(PerCompletion.Row row) {
///         return row.completion().episode().map(e -> e.turns().stream()
///                 .mapToDouble(turn -> -0.1 * turn.outcomes().size()).toArray());
///     }
/// }
/// ```
@Api(STABLE)
public interface TurnReward extends RewardFunction {
    /// Rewards of a completion's turns, in order; empty where the function doesn't apply.
    Optional<double[]> turns(PerCompletion.Row row);

    @Override
    default List<OptionalDouble> score(RewardBatch batch) {
        List<OptionalDouble> rewards = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Completion completion = batch.completions().get(i);
            var row = new PerCompletion.Row(batch.prompts().get(i), completion, batch.columns(), i);
            Optional<double[]> turns = turns(row);
            int count = completion.episode().map(e -> e.turns().size()).orElse(1);
            if (turns.isPresent() && turns.get().length != count) {
                throw new IllegalArgumentException(
                        "%d rewards for the %d turns of a completion"
                                .formatted(turns.get().length, count));
            }
            if (turns.isPresent()) {
                batch.log().turns(i, turns.get());
            }
            rewards.add(
                    turns.map(values -> OptionalDouble.of(Arrays.stream(values).sum()))
                            .orElse(OptionalDouble.empty()));
        }
        return rewards;
    }
}
