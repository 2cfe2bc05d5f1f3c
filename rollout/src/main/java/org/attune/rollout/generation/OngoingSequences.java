package org.attune.rollout.generation;

import org.attune.error.StopRequest;
import org.attune.model.layer.Adapter;
import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.OngoingCompletions.Begun;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// The sequences of [OngoingCompletions] over one cache.
///
/// @param loop that nothing was submitted to; borrowed
/// @param ongoing says what is completed
/// @param adapter that applies
/// @param constraint makes what one sequence follows
record OngoingSequences(
        GenerationLoop loop,
        OngoingCompletions ongoing,
        Adapter adapter,
        Supplier<TokenConstraint> constraint) {
    /// Gives each token of all sequences before it asks whether that is enough.
    ///
    /// @param config of the run
    void run(SamplingConfig config) {
        Map<Ticket, Begun> live = new LinkedHashMap<>();
        while (!ongoing.isEnough()) {
            StopRequest.check();
            fill(config, live);
            loop.step();
        }
        live.forEach(
                (ticket, begun) ->
                        ongoing.left(begun, ticket.sequence().completion(StopReason.CANCELLED)));
    }

    private void fill(SamplingConfig config, Map<Ticket, Begun> live) {
        int free = ongoing.places() - live.size();
        if (free > 0) {
            for (Begun begun : ongoing.next(free)) {
                live.put(submit(begun, config, live), begun);
            }
        }
    }

    private Ticket submit(Begun begun, SamplingConfig config, Map<Ticket, Begun> live) {
        var request =
                SequenceRequest.of(begun.prompt(), config.ofBatch(begun.batch()))
                        .withIndex(begun.index())
                        .withAdapter(adapter)
                        .withConstraint(constraint.get())
                        .behind(begun.before());
        return loop.submit(
                request,
                new SequenceListener() {
                    @Override
                    public void ended(Ticket ticket, SampledCompletion whole) {
                        live.remove(ticket);
                        ongoing.ended(begun, whole);
                    }
                });
    }
}
