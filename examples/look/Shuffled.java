import module java.base;

import org.attune.reward.*;
import org.attune.reward.builtin.*;

/// The control's reward: those of `exact_answer`, dealt out anew at random among the eight
/// completions of each prompt. How many are rewarded stays; which of them is lost.
public class Shuffled implements RewardFunction {
    private static final int GENERATIONS = 8;
    private final RewardFunction judge = BuiltinRewards.create("exact_answer", Map.of());
    private final Random random = new Random(7);

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        var rewards = new ArrayList<>(judge.score(batch));
        for (int from = 0; from < rewards.size(); from += GENERATIONS) {
            Collections.shuffle(rewards.subList(from, from + GENERATIONS), random);
        }
        return rewards;
    }

    /// Groups are whole in a whole round.
    @Override
    public boolean wholeRound() {
        return true;
    }
}
