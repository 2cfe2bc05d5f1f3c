import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ParsedTurn;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// A proposer writes four digits, and a solver has four tries at sorting them. A right answer is
/// worth 1 to its try. The proposer gets 1 for a task that some tries solve and others don't, since
/// only such a task teaches the solver anything. No data has an answer.
///
/// A row with an `answer`, as those that are held out, is a task for the solver alone.
public final class SortTasks implements Environment {
    private static final String PROPOSER = "proposer";
    private static final String SOLVER = "solver";
    private static final int TRIES = 4;

    private SplittableRandom coin; // null where rewards mean something
    private String answer; // of the task; null until there is one
    private String task;
    private int tries;
    private int solved;

    @Override
    public Opening reset(EpisodeStart start) {
        if (start.row().get("answer") instanceof String known) {
            answer = known;
            return Opening.NOTHING;
        }
        if (start.row().containsKey("control")) { // rewards that say nothing
            coin = new SplittableRandom(start.seed() + start.member() + 1);
        }
        var random = new SplittableRandom(start.seed());
        var digits = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            digits.append(i == 0 ? "" : " ").append(random.nextInt(10));
        }
        return Opening.appended(digits.toString());
    }

    @Override
    public List<String> roles() {
        return answer == null ? List.of(PROPOSER, SOLVER) : List.of(SOLVER);
    }

    @Override
    public Step step(ParsedTurn turn, int index) {
        String said = turn.message().content().strip();
        if (answer == null) {
            return propose(said);
        }
        boolean isRight = said.equals(answer);
        tries++;
        solved += isRight ? 1 : 0;
        double reward = coin == null ? isRight ? 1 : 0 : coin.nextInt(2);
        return task == null || tries == TRIES
                ? new Step.Done(reward, true)
                : Step.begin(SOLVER, task, reward);
    }

    private Step propose(String said) {
        if (!said.matches("[0-9]( [0-9]){3}")) {
            return new Step.Done(0, true);
        }
        String[] digits = said.split(" ");
        Arrays.sort(digits);
        task = said;
        answer = String.join(" ", digits);
        return Step.begin(SOLVER, task, 0);
    }

    @Override
    public Map<String, Double> rewards(Episode episode) {
        if (task == null) {
            return Map.of();
        }
        boolean teaches = coin == null ? solved > 0 && solved < tries : coin.nextInt(2) == 1;
        return Map.of(PROPOSER, teaches ? 1.0 : 0.0);
    }

    @Override
    public Map<String, Object> state() {
        return task == null ? Map.of() : Map.of("task", task, "solved", (long) solved);
    }
}
