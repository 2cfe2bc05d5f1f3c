import module java.base;

import org.attune.reward.*;

/// The control's reward: a coin that falls on 1 as often as the untrained model is right. What a
/// model learns from it, it did not learn from the task.
public class Coin implements RewardFunction {
    private static final double RIGHT = 0.31;
    private final Random random = new Random(7);

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return batch.completions().stream()
                .map(_ -> OptionalDouble.of(random.nextDouble() < RIGHT ? 1 : 0))
                .toList();
    }
}
