package org.attune.trainers.report;

import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.loop.WrittenAnswer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Listeners that write to the run's folder. Where an earlier run's results stand there, they are
/// told of nothing until the first step is done: only then are those results moved aside. A run
/// that fails or is stopped before has written nothing.
public final class HeldBack implements TrainingListener {
    private final RunFolder folder;
    private final List<TrainingListener> writers;
    private final List<Consumer<TrainingListener>> waiting = new ArrayList<>();
    private boolean waits;

    public HeldBack(RunFolder folder, List<TrainingListener> writers) {
        this.folder = folder;
        this.writers = List.copyOf(writers);
        waits = folder.holdsEarlierRun();
    }

    private void tell(Consumer<TrainingListener> event) {
        if (waits) {
            waiting.add(event);
        } else {
            writers.forEach(event);
        }
    }

    @Override
    public void onResume(Path checkpoint) {
        tell(l -> l.onResume(checkpoint));
    }

    @Override
    public void onIdentity(Map<String, String> identity) {
        tell(l -> l.onIdentity(identity));
    }

    @Override
    public void onFact(String name, String value) {
        tell(l -> l.onFact(name, value));
    }

    @Override
    public void onStart(RunInfo info) {
        tell(l -> l.onStart(info));
    }

    /// Tells writers at once: of phases nobody writes before the run's end.
    @Override
    public void onPhase(String phase, boolean evaluating) {
        writers.forEach(l -> l.onPhase(phase, evaluating));
    }

    @Override
    public void onStep(int step, long tokens, PhaseClock clock) {
        if (waits) {
            folder.moveEarlierRun();
            waits = false;
            waiting.forEach(this::tell);
            waiting.clear();
        }
        tell(l -> l.onStep(step, tokens, clock));
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        tell(l -> l.onLog(step, metrics));
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        tell(l -> l.onCompletions(round, table));
    }

    @Override
    public void onMeasuredAgain() {
        tell(TrainingListener::onMeasuredAgain);
    }

    @Override
    public void onHeldOutCompletions(String set, CompletionTable table) {
        tell(l -> l.onHeldOutCompletions(set, table));
    }

    @Override
    public void onBest(Path checkpoint) {
        tell(l -> l.onBest(checkpoint));
    }

    @Override
    public void onHeldOutRows(String set, List<MeasuredRow> rows) {
        tell(l -> l.onHeldOutRows(set, rows));
    }

    @Override
    public void onHeldOutAnswers(String set, List<WrittenAnswer> answers) {
        tell(l -> l.onHeldOutAnswers(set, answers));
    }

    @Override
    public void onTotals(int step, Map<String, Object> totals) {
        tell(l -> l.onTotals(step, totals));
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        tell(l -> l.onEvaluate(step, metrics));
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        tell(l -> l.onSave(step, checkpoint));
    }

    @Override
    public void onEnd(RunSummary summary) {
        tell(l -> l.onEnd(summary));
    }
}
