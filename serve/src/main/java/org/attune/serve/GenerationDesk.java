package org.attune.serve;

import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.images.Picture;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.GenerationLoop;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.SequenceRequest;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/// Has the answers of requests generated, as many at once as there are places; the others wait, and
/// what can't even wait is refused. Thread-safe.
final class GenerationDesk {
    private final GenerationLoop loop;
    private final int places;
    private final int length;
    private final Duration timeout;
    private final ServerMetrics metrics;
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicLong requests = new AtomicLong();
    private final long seed = System.nanoTime();

    /// @param loop borrowed
    /// @param places sequences that may be under way or wait
    /// @param length most tokens of prompt and answer
    /// @param timeout of an answer
    GenerationDesk(
            GenerationLoop loop, int places, int length, Duration timeout, ServerMetrics metrics) {
        this.loop = loop;
        this.places = places;
        this.length = length;
        this.timeout = timeout;
        this.metrics = metrics;
    }

    /// Most tokens of prompt and answer.
    int length() {
        return length;
    }

    /// Answers that are under way or wait.
    int active() {
        return active.get();
    }

    /// What is generated for a request.
    ///
    /// @param prompts token ids; each gets as many answers as the sampling says
    /// @param top how many of the likeliest tokens are told
    /// @param keepsControls whether control tokens become text
    /// @param deadline after which nobody waits any more
    /// @param format what answers must look like
    /// @param pictures of the prompts, held until the answers end
    record Order(
            ServedModel model,
            List<int[]> prompts,
            Sampling sampling,
            int top,
            boolean keepsControls,
            Duration deadline,
            FormatRequest format,
            List<Picture> pictures) {
        int answers() {
            return prompts.size() * sampling.choices();
        }
    }

    /// Most tokens of an answer to a prompt.
    ///
    /// @param standard where the request doesn't say; empty: what room there is
    /// @throws ApiException if prompt and answer don't fit
    int most(int[] prompt, Sampling sampling, OptionalInt standard) throws ApiException {
        int room = length - prompt.length;
        if (prompt.length == 0) {
            throw ApiException.bad("prompt", "a prompt has no tokens; accepted: at least one");
        }
        if (room < 1) {
            throw ApiException.tooLong(
                    "the prompt has %d tokens, and this server takes %d for prompt and answer"
                            .formatted(prompt.length, length));
        }
        int wanted = sampling.maxTokens().orElse(Math.min(room, standard.orElse(room)));
        if (wanted > room) {
            throw ApiException.tooLong(
                    ("the prompt has %d tokens and max_tokens is %d, and this server takes %d for"
                                    + " both")
                            .formatted(prompt.length, wanted, length));
        }
        return wanted;
    }

    /// Has answers generated.
    ///
    /// @param most tokens of each answer, by prompt
    /// @throws ApiException if too many wait already
    Generation begin(Order order, int[] most) throws ApiException {
        int answers = order.answers();
        take(answers);
        var generation = new Generation(answers, metrics, active::decrementAndGet);
        try {
            submit(order, most, generation);
        } catch (AttuneException | IllegalStateException e) {
            generation.close();
            throw e;
        }
        return generation;
    }

    /// Has sequences generated, all of them or none.
    ///
    /// @throws ApiException if too many wait already
    List<Ticket> submit(List<SequenceRequest> requests) {
        take(requests.size());
        List<Ticket> tickets = new ArrayList<>();
        try {
            for (SequenceRequest request : requests) {
                metrics.prompt(request.prompt().length);
                tickets.add(loop.submit(request, new CountedEnd()));
            }
            return tickets;
        } catch (AttuneException | IllegalStateException e) {
            tickets.forEach(Ticket::cancel);
            active.addAndGet(tickets.size() - requests.size());
            throw e;
        }
    }

    /// Frees a sequence's place at its end.
    private final class CountedEnd implements SequenceListener {
        @Override
        public void ended(Ticket ticket, SampledCompletion completion) {
            active.decrementAndGet();
        }

        @Override
        public void failed(Ticket ticket, RolloutException error) {
            active.decrementAndGet();
        }
    }

    private void take(int answers) throws ApiException {
        if (active.addAndGet(answers) > places) {
            active.addAndGet(-answers);
            metrics.refused();
            throw new ApiException(
                    429,
                    "rate_limit_exceeded",
                    "%d answers are under way or wait, and this request wants %d; come back later"
                            .formatted(active.get(), answers));
        }
    }

    private void submit(Order order, int[] most, Generation generation) {
        Sampling sampling = order.sampling();
        Supplier<TokenConstraint> constraint =
                order.format()
                        .constraint()
                        .map(c -> c.on(order.model().tokenizer(), order.model().stopIds()))
                        .orElse(() -> TokenConstraint.NONE);
        long drawn = sampling.seed().orElseGet(() -> seed + requests.incrementAndGet());
        Duration time = order.deadline().compareTo(timeout) < 0 ? order.deadline() : timeout;
        for (int p = 0; p < order.prompts().size(); p++) {
            SamplingConfig config = sampling.config(most[p], drawn, order.top(), time);
            for (int n = 0; n < sampling.choices(); n++) {
                int choice = p * sampling.choices() + n;
                var listener =
                        new AnswerListener(
                                choice,
                                order.model().tokenizer(),
                                sampling,
                                order.keepsControls(),
                                order.pictures(),
                                generation::tell);
                SequenceRequest request =
                        SequenceRequest.of(order.prompts().get(p), config)
                                .withIndex(n)
                                .withAdapter(order.model().adapter())
                                .withConstraint(constraint.get());
                Ticket ticket = loop.submit(request, listener);
                generation.add(ticket);
            }
        }
    }
}
