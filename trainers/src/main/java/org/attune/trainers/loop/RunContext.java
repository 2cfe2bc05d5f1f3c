package org.attune.trainers.loop;

import org.attune.checkpoint.ModelWriter;

import java.util.List;

/// What surrounds a run.
///
/// @param model writes the trained adapter or model, for checkpoints and at the end
/// @param modelFingerprint tells the base model and the starting adapter apart from others, e.g. a
///     hash of their files; a run resumes, and reuses cached reference log-probabilities, only
///     with the same
/// @param sharePrompts whether sequences with a common beginning may share its computation: false
///     where a model's positions depend on the length of the whole sequence
/// @param listeners told what happens, in this order
/// @param stop ends the run early
/// @param clock takes the time of the phases; the caller may have timed the loading with it
public record RunContext(
        ModelWriter model,
        String modelFingerprint,
        boolean sharePrompts,
        List<TrainingListener> listeners,
        StopSignal stop,
        PhaseClock clock) {
    public RunContext {
        listeners = List.copyOf(listeners);
    }

    /// No listeners, and nobody who stops the run.
    public static RunContext of(ModelWriter model) {
        return new RunContext(
                model, "unknown", true, List.of(), new StopSignal(), new PhaseClock());
    }

    public RunContext withModel(ModelWriter other) {
        return new RunContext(other, modelFingerprint, sharePrompts, listeners, stop, clock);
    }

    public RunContext withListeners(TrainingListener... others) {
        return new RunContext(model, modelFingerprint, sharePrompts, List.of(others), stop, clock);
    }

    public RunContext withModelFingerprint(String fingerprint) {
        return new RunContext(model, fingerprint, sharePrompts, listeners, stop, clock);
    }

    public RunContext withSharePrompts(boolean share) {
        return new RunContext(model, modelFingerprint, share, listeners, stop, clock);
    }

    public RunContext withStop(StopSignal signal) {
        return new RunContext(model, modelFingerprint, sharePrompts, listeners, signal, clock);
    }

    public RunContext withClock(PhaseClock other) {
        return new RunContext(model, modelFingerprint, sharePrompts, listeners, stop, other);
    }
}
