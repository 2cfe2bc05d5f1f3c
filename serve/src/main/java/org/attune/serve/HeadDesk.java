package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.models.score.ScoreModel.Read;
import org.attune.tensor.Engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/// Has sequences computed by heads of models: in groups, between which others get the engine. What
/// is too long is refused, and so is what can't even wait. Thread-safe.
final class HeadDesk {
    private final int length;
    private final Semaphore waiting;
    private final ServerMetrics metrics;

    /// @param length most tokens of a sequence
    /// @param most requests that may be under way or wait
    HeadDesk(int length, int most, ServerMetrics metrics) {
        this.length = length;
        this.waiting = new Semaphore(most);
        this.metrics = metrics;
    }

    /// Most tokens of a sequence.
    int length() {
        return length;
    }

    static long tokens(List<Read> reads) {
        return reads.stream().mapToLong(read -> read.ids().length).sum();
    }

    /// What a head says of each sequence, in order.
    ///
    /// @param reads of [lengths that were asked for][#requireLengths]
    /// @param groups cuts sequences into what is computed at once
    /// @param values computes a group, on the engine thread
    /// @param reply of the request; told that it goes on
    <T> List<T> values(
            List<Read> reads,
            Function<List<Read>, List<List<Read>>> groups,
            Function<List<Read>, List<T>> values,
            ExchangeReply reply)
            throws ApiException, IOException {
        if (!waiting.tryAcquire()) {
            metrics.refused();
            throw new ApiException(
                    429, "rate_limit_exceeded", "too many requests wait; come back later");
        }
        try {
            metrics.prompt((int) tokens(reads));
            List<T> all = new ArrayList<>();
            for (List<Read> group : groups.apply(reads)) {
                all.addAll(Engine.call(() -> values.apply(group)));
                reply.live();
            }
            return all;
        } finally {
            waiting.release();
        }
    }

    /// @param most tokens of a sequence
    /// @param remedy what helps where one has more, or empty
    static void requireLengths(String key, List<Read> reads, int most, String remedy)
            throws ApiException {
        for (int i = 0; i < reads.size(); i++) {
            int size = reads.get(i).ids().length;
            if (size == 0) {
                throw ApiException.bad(
                        key, "text %d has no tokens; accepted: at least one".formatted(i + 1));
            }
            if (size > most) {
                throw ApiException.bad(
                        key,
                        "text %d has %d tokens; accepted: up to %d%s"
                                .formatted(i + 1, size, most, remedy));
            }
        }
    }
}
