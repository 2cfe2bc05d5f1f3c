package org.attune.cli.progress;

import org.attune.cli.terminal.FittedLine;
import org.attune.cli.terminal.RunScreen;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.Ticket;
import org.attune.trainers.prepare.ScoringPreparation.Scored;

import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;

/// Says how far many completions or rows are: on a terminal by the live line, in a pipe by a line
/// now and then.
public final class CountedProgress {
    private static final long PIPE_MILLIS = 10_000;

    private final RunScreen screen;
    private final InstantSource clock;
    private final String what;
    private final boolean inPipes;
    private int total;
    private int before;
    private int done;
    private long tokens;
    private long startMillis;
    private long shownMillis;

    /// @param what is counted, in the plural
    /// @param inPipes whether there are lines where the output is no terminal
    public CountedProgress(RunScreen screen, InstantSource clock, String what, boolean inPipes) {
        this.inPipes = inPipes;
        this.screen = screen;
        this.clock = clock;
        this.what = what;
    }

    /// Before the first token.
    public void loading(String model) {
        long since = clock.millis();
        screen.live(
                columns ->
                        new FittedLine()
                                .add("loading " + model, 0)
                                .add(ProgressLine.duration(clock.millis() - since), 1)
                                .within(columns));
    }

    /// @param earlier what was completed by an earlier process
    /// @param all of them
    public void start(int earlier, int all) {
        synchronized (this) {
            before = earlier;
            done = earlier;
            tokens = 0;
            total = all;
            startMillis = clock.millis();
            shownMillis = startMillis;
        }
        if (earlier > 0) {
            screen.line("%d of %d %s were completed before".formatted(earlier, all, what));
        }
        screen.live(columns -> line().within(columns));
    }

    /// A token was sampled.
    public void token() {
        tokens(1);
    }

    /// Counts tokens that were sampled.
    public void tokens(long more) {
        boolean due;
        synchronized (this) {
            tokens += more;
            long now = clock.millis();
            due = inPipes && !screen.onTerminal() && now - shownMillis >= PIPE_MILLIS;
            shownMillis = due ? now : shownMillis;
        }
        if (due) {
            screen.line(line().whole());
        }
    }

    /// Counts an item that was completed.
    public synchronized void completed() {
        done++;
    }

    /// Hears of tokens and completions.
    public SequenceListener listener() {
        return new SequenceListener() {
            @Override
            public Next sampled(Ticket ticket, int id, float logProb) {
                token();
                return Next.GO_ON;
            }

            @Override
            public void ended(Ticket ticket, SampledCompletion completion) {
                completed();
            }
        };
    }

    /// Hears how many rows are scored.
    ///
    /// @param rows all, in order
    public LongConsumer scored(List<List<Scored>> rows) {
        long[] upTo = new long[rows.size() + 1];
        for (int i = 0; i < rows.size(); i++) {
            upTo[i + 1] = upTo[i] + rows.get(i).stream().mapToLong(s -> s.ids().length).sum();
        }
        start(0, rows.size());
        return all -> {
            long more;
            synchronized (this) {
                done = Math.toIntExact(all);
                more = upTo[done] - tokens;
            }
            tokens(more);
        };
    }

    /// Leaves a last line.
    public void end() {
        screen.settle();
        screen.line(line().whole());
    }

    private synchronized FittedLine line() {
        long millis = Math.max(1, clock.millis() - startMillis);
        var line =
                new FittedLine()
                        .add("%d of %d %s".formatted(done, total, what), 0)
                        .add(String.format(Locale.ROOT, "%,d tokens", tokens), 3)
                        .add(
                                String.format(
                                        Locale.ROOT, "%,.0f tokens/s", 1000.0 * tokens / millis),
                                2)
                        .add(ProgressLine.duration(millis), 4);
        if (done > before && done < total) {
            long left = millis * (total - done) / (done - before);
            line.add("ETA " + ProgressLine.duration(left), 1);
        }
        return line;
    }
}
