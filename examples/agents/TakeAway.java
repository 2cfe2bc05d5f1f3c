import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ParsedTurn;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// Two players take 1, 2 or 3 stones in turn; who takes the last one wins. One model plays both.
/// The winner gets 1, the loser -1; who breaks the rules gets -1, and the other one nothing.
///
/// A row with `stones`, as those that are held out, is a game of the first player against one who
/// never errs, from a number that can be won: each move must leave a multiple of four. Then a game
/// that is won is worth 1, any other 0.
public final class TakeAway implements Environment {
    private static final String FIRST = "first";
    private static final String SECOND = "second";
    private static final int MOST = 3;

    private SplittableRandom random;
    private boolean alone;
    private boolean blind; // rewards say nothing
    private String mover = FIRST;
    private int left;
    private String end = "";

    @Override
    public Opening reset(EpisodeStart start) {
        random = new SplittableRandom(start.seed());
        left = 4 + random.nextInt(9);
        if (start.row().get("stones") instanceof Number stones) {
            alone = true;
            left = stones.intValue();
        }
        if (start.row().containsKey("control")) {
            blind = true;
            random = new SplittableRandom(start.seed() + start.member() + 1);
        }
        return Opening.appended(Integer.toString(left));
    }

    @Override
    public List<String> roles() {
        return alone ? List.of(FIRST) : List.of(FIRST, SECOND);
    }

    @Override
    public Step step(ParsedTurn turn, int index) {
        String said = turn.message().content().strip();
        if (!said.matches("[1-3]") || Integer.parseInt(said) > left) {
            return done("broke the rules");
        }
        left -= Integer.parseInt(said);
        if (left == 0) {
            return done("won");
        }
        if (alone) {
            int losing = 1 + random.nextInt(Math.min(MOST, left)); // every move loses
            left -= left % (MOST + 1) == 0 ? losing : left % (MOST + 1);
            return left == 0 ? done("lost") : Step.observe(FIRST, Integer.toString(left), 0);
        }
        mover = mover.equals(FIRST) ? SECOND : FIRST;
        return Step.observe(mover, Integer.toString(left), 0);
    }

    private Step done(String how) {
        end = how;
        return new Step.Done(0, true);
    }

    @Override
    public Map<String, Double> rewards(Episode episode) {
        boolean hasWon = end.equals("won");
        if (alone) {
            return Map.of(FIRST, hasWon ? 1.0 : 0.0);
        }
        String other = mover.equals(FIRST) ? SECOND : FIRST;
        if (blind) {
            double coin = random.nextBoolean() ? 1 : -1;
            return Map.of(mover, coin, other, -coin);
        }
        if (hasWon) {
            return Map.of(mover, 1.0, other, -1.0);
        }
        return Map.of(mover, -1.0, other, 0.0);
    }

    @Override
    public Map<String, Object> state() {
        return Map.of("left", (long) left, "mover", mover, "end", end);
    }
}
