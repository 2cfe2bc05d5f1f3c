package org.attune.reward.judge;

import org.attune.error.ServerException;
import org.attune.error.StopRequest;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;

/// A language model at a server that scores completions, one by one or those of a prompt beside
/// each other. A completion has no reward, and counts as failed, if the server fails or refuses, or
/// its answer holds no score. A row that lacks a column of the prompt is not judged.
///
/// Comparing is as RULER of OpenPipe's ART does it, but the order of the completions is drawn, and
/// equal ones are shown once. Thread-safe.
public final class JudgeReward implements RewardFunction, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JudgeReward.class);
    private static final Duration NO_LIMIT = Duration.ofDays(30);

    private final String name;
    private final JudgeSettings settings;
    private final ChatEndpoint endpoint;

    /// Asks nothing yet.
    ///
    /// @param name in metrics
    public JudgeReward(String name, JudgeSettings settings) {
        this.name = name;
        this.settings = settings;
        endpoint = new ChatEndpoint(settings);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean wholeRound() {
        return settings.asked().isGroup();
    }

    @Override
    public Set<String> requiredColumns() {
        return settings.asked().prompt().columns();
    }

    /// The question may come from a file.
    @Override
    public String content() {
        return Integer.toHexString(settings.asked().prompt().text().hashCode());
    }

    /// Separate threads, since they only wait, and no limit of time for a call: each request has
    /// one.
    @Override
    public RewardLimits limits(RewardLimits usual) {
        return usual.withTimeout(NO_LIMIT)
                .withParallelism(2)
                .withCallSize(settings.server().concurrency());
    }

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        JudgeSettings.Asked asked = settings.asked();
        List<JudgeQuestion> questions =
                asked.isGroup()
                        ? JudgeQuestion.group(batch, asked.prompt(), asked.scale(), asked.seed())
                        : JudgeQuestion.single(batch, asked.prompt(), asked.scale());
        List<OptionalDouble> rewards =
                new ArrayList<>(Collections.nCopies(batch.size(), OptionalDouble.empty()));
        BooleanSupplier stop = StopRequest.current();
        ExecutorService threads =
                Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("judge-", 1).factory());
        try {
            List<Future<Verdict>> verdicts = new ArrayList<>();
            questions.forEach(q -> verdicts.add(threads.submit(() -> verdict(q, stop))));
            int cached = 0;
            for (int i = 0; i < questions.size(); i++) {
                Verdict verdict = verdicts.get(i).get();
                cached += verdict.isCached() ? 1 : 0;
                keep(questions.get(i), verdict, rewards, batch);
            }
            if (!questions.isEmpty()) {
                batch.logMetric("rewards/" + name + "/cached", (double) cached / questions.size());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while a judge worked");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } finally {
            threads.shutdownNow();
        }
        return rewards;
    }

    /// What came of a question.
    ///
    /// @param scores of the answers that it shows; NaN if there are none
    /// @param problem why there are none
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Verdict(double[] scores, boolean isCached, String problem) {}

    private Verdict verdict(JudgeQuestion question, BooleanSupplier stop)
            throws InterruptedException {
        boolean cached = false;
        try {
            StopRequest.check(stop);
            ChatEndpoint.Answer answer = endpoint.ask(question.text());
            cached = answer.isCached();
            JudgeScale scale = settings.asked().scale();
            double[] scores =
                    settings.asked().isGroup()
                            ? JudgeAnswer.scores(answer.text(), question.answers(), scale)
                            : new double[] {JudgeAnswer.score(answer.text(), scale)};
            return new Verdict(scores, cached, "");
        } catch (ServerException | UnreadableAnswerException e) {
            double[] none = new double[question.answers()];
            Arrays.fill(none, Double.NaN);
            return new Verdict(none, cached, e.getMessage());
        }
    }

    private static void keep(
            JudgeQuestion question,
            Verdict verdict,
            List<OptionalDouble> rewards,
            RewardBatch batch) {
        for (int i = 0; i < question.places().length; i++) {
            double score = verdict.scores()[question.shown()[i]];
            if (Double.isNaN(score)) {
                batch.log().failed(question.places()[i], verdict.problem());
            } else {
                rewards.set(question.places()[i], OptionalDouble.of(score));
            }
        }
    }

    /// Logs what was asked.
    @Override
    public void close() {
        endpoint.account().ifPresent(text -> LOG.info("judge \"{}\": {}", name, text));
    }
}
