package org.attune.serve;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/// What the server did, as Prometheus reads it: its text format, with vLLM's names after `attune:`.
/// Thread-safe.
final class ServerMetrics {
    private static final double[] SECONDS = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300
    };

    private final LongAdder promptTokens = new LongAdder();
    private final LongAdder answerTokens = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final Map<String, LongAdder> ends = new ConcurrentHashMap<>();
    private final Map<Integer, LongAdder> statuses = new ConcurrentHashMap<>();
    private final AtomicLong running = new AtomicLong();
    private final Histogram firstToken = new Histogram();
    private final Histogram betweenTokens = new Histogram();
    private final Histogram whole = new Histogram();

    /// Counts by upper bounds.
    private static final class Histogram {
        private final LongAdder[] counts = new LongAdder[SECONDS.length + 1];
        private final DoubleAdder sum = new DoubleAdder();

        Histogram() {
            Arrays.setAll(counts, _ -> new LongAdder());
        }

        void add(long nanos) {
            double seconds = nanos / 1e9;
            int at = 0;
            while (at < SECONDS.length && seconds > SECONDS[at]) {
                at++;
            }
            counts[at].increment();
            sum.add(seconds);
        }

        void write(StringBuilder out, String name, String help) {
            head(out, name, "histogram", help);
            long all = 0;
            for (int i = 0; i < counts.length; i++) {
                all += counts[i].sum();
                String bound = i < SECONDS.length ? String.valueOf(SECONDS[i]) : "+Inf";
                line(out, name + "_bucket{le=\"" + bound + "\"}", all);
            }
            out.append("attune:%s_sum %s\n".formatted(name, sum.sum()));
            line(out, name + "_count", all);
        }
    }

    void prompt(int tokens) {
        promptTokens.add(tokens);
    }

    /// A token was sampled.
    ///
    /// @param nanos since the token before, or since the request
    void token(boolean isFirst, long nanos) {
        answerTokens.increment();
        if (isFirst) {
            running.incrementAndGet();
        }
        (isFirst ? firstToken : betweenTokens).add(nanos);
    }

    /// An answer ended.
    ///
    /// @param hadTokens whether it had begun
    void ended(String reason, boolean hadTokens, long nanos) {
        if (hadTokens) {
            running.decrementAndGet();
        }
        ends.computeIfAbsent(reason.toLowerCase(Locale.ROOT), _ -> new LongAdder()).increment();
        whole.add(nanos);
    }

    /// A request was refused since too much waits.
    void refused() {
        refused.increment();
    }

    void answered(int status) {
        statuses.computeIfAbsent(status, _ -> new LongAdder()).increment();
    }

    /// All of it.
    ///
    /// @param active answers that are under way or wait
    String text(int active) {
        var out = new StringBuilder();
        long now = running.get();
        one(out, "num_requests_running", "gauge", "Answers that get tokens.", now);
        one(
                out,
                "num_requests_waiting",
                "gauge",
                "Answers that wait for their first token.",
                Math.max(0, active - now));
        one(out, "prompt_tokens_total", "counter", "Tokens of prompts.", promptTokens.sum());
        one(out, "generation_tokens_total", "counter", "Sampled tokens.", answerTokens.sum());
        one(out, "requests_refused_total", "counter", "Requests with status 429.", refused.sum());
        head(out, "request_success_total", "counter", "Answers by how they ended.");
        new TreeMap<>(ends)
                .forEach(
                        (reason, count) ->
                                line(
                                        out,
                                        "request_success_total{finished_reason=\"" + reason + "\"}",
                                        count.sum()));
        head(out, "http_responses_total", "counter", "Responses by status.");
        new TreeMap<>(statuses)
                .forEach(
                        (status, count) ->
                                line(
                                        out,
                                        "http_responses_total{status=\"" + status + "\"}",
                                        count.sum()));
        firstToken.write(out, "time_to_first_token_seconds", "From a request to its first token.");
        betweenTokens.write(out, "inter_token_latency_seconds", "Between an answer's tokens.");
        whole.write(out, "e2e_request_latency_seconds", "From a request to an answer's end.");
        return out.toString();
    }

    private static void one(StringBuilder out, String name, String type, String help, long value) {
        head(out, name, type, help);
        line(out, name, value);
    }

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP attune:%s %s\n# TYPE attune:%1$s %s\n".formatted(name, help, type));
    }

    private static void line(StringBuilder out, String name, long value) {
        out.append("attune:%s %d\n".formatted(name, value));
    }
}
