package org.attune.rollout.generation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.RolloutException;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;

/// Hears what happens to one sequence of a [GenerationLoop], on the engine thread: what it does
/// should be cheap, and must not wait. An exception from here ends this sequence only, by
/// [#failed]; in a list that is completed as a whole ([Generator]) it ends the call.
@Api(EXPERIMENTAL)
public interface SequenceListener {
    /// Hears nothing.
    SequenceListener NONE = new SequenceListener() {};

    /// Hears of completions only.
    static SequenceListener of(FinishedListener listener) {
        return new SequenceListener() {
            @Override
            public void ended(Ticket ticket, SampledCompletion completion) {
                listener.finished(ticket.index(), completion);
            }
        };
    }

    /// How a sequence goes on.
    enum Next {
        /// Another token is sampled.
        GO_ON,
        /// The sequence waits until [Ticket#goOn]. Its keys and values stay in the cache unless
        /// another sequence needs the place; then they are computed again.
        PAUSE,
        /// The sequence ends.
        END
    }

    /// Called for each token of the model's own.
    ///
    /// @param logProb as in [SampledCompletion#logProbs]
    /// @return [Next#END] ends the sequence as [StopReason#CANCELLED], unless this token ends it
    ///     anyhow
    default Next sampled(Ticket ticket, int id, float logProb) {
        return Next.GO_ON;
    }

    /// Called when the token sampled last is a stop token or completed a stop string, and there is
    /// room for more, as where a turn of an agent ends.
    ///
    /// @param reason [StopReason#STOP_TOKEN] or [StopReason#STOP_STRING]
    default Next stopped(Ticket ticket, StopReason reason) {
        return Next.END;
    }

    /// Called when the sequence pauses; from now on [Ticket#goOn] may be called, from any thread.
    default void paused(Ticket ticket) {}

    /// Called once, at the end.
    default void ended(Ticket ticket, SampledCompletion completion) {}

    /// Called once instead of [#ended] if an error ended the sequence.
    default void failed(Ticket ticket, RolloutException error) {}
}
