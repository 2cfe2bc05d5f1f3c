import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/// A number from 1 to 15 is to be found in four guesses. Each guess is answered by `higher` or
/// `lower`. Halving always finds it; guessing at random without repeats finds it in 27 of 100
/// episodes. A guess that the hints before it rule out costs a tenth of the reward.
public final class GuessNumber implements Environment {
    private static final int HIGHEST = 15;
    private static final int GUESSES = 4;
    private static final double WASTED = -0.1;

    private int secret;
    private int low = 1;
    private int high = HIGHEST;
    private int guesses;
    private boolean found;
    private OptionalDouble chance = OptionalDouble.empty();

    @Override
    public Opening reset(EpisodeStart start) {
        secret = 1 + new SplittableRandom(start.seed()).nextInt(HIGHEST);
        if (start.row().containsKey("control")) { // rewards that say nothing
            var coin = new SplittableRandom(start.seed() + start.member() + 1);
            chance = OptionalDouble.of(coin.nextInt(2));
        }
        return Opening.NOTHING;
    }

    @Override
    public Step step(ParsedTurn turn, int index) {
        String text = turn.message().content().strip();
        guesses++;
        if (!text.matches("\\d{1,2}")) {
            return new Step.Done(0, true);
        }
        int guess = Integer.parseInt(text);
        boolean isWasted = guess < low || guess > high;
        double reward = isWasted && chance.isEmpty() ? WASTED : 0;
        found = guess == secret;
        if (found || guesses == GUESSES) {
            return new Step.Done(reward, true);
        }
        boolean isHigher = guess < secret;
        if (isHigher) {
            low = Math.max(low, guess + 1);
        } else {
            high = Math.min(high, guess - 1);
        }
        return new Step.Observe(List.of(Message.of("user", isHigher ? "higher" : "lower")), reward);
    }

    @Override
    public OptionalDouble reward(Episode episode) {
        return chance.isPresent() ? chance : OptionalDouble.of(found ? 1 : 0);
    }

    @Override
    public Map<String, Object> state() {
        return Map.of("secret", (long) secret, "guesses", (long) guesses);
    }
}
