package org.attune.serve;

import org.attune.error.AttuneException;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Opinion;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.attune.feedback.Release;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Keeps answers and judgements in a store, and has its releases served: one that comes into force
/// while the server runs answers within a second or two, requests under way go on with the old one.
/// Owns the store.
final class FeedbackDesk implements AutoCloseable, HttpDoor.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(FeedbackDesk.class);
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Set<String> KEYS =
            Set.of("id", "choice", "user", "label", "score", "better_than", "corrected", "note");

    private final FeedbackStore store;
    private final ServedModels models;
    private final AdapterDesk adapters;
    private final ServeConfig config;
    private final Map<String, Integer> served = new HashMap<>(); // the release by name asked for
    private final Map<String, String> folders = new HashMap<>(); // of releases, by served name
    private final Thread watch = Thread.ofVirtual().name("attune-releases").unstarted(this::watch);

    private FeedbackDesk(
            FeedbackStore store, ServedModels models, AdapterDesk adapters, ServeConfig config) {
        this.store = store;
        this.models = models;
        this.adapters = adapters;
        this.config = config;
    }

    /// Opens a store, and serves the releases that are in force.
    ///
    /// @throws AttuneException if the store can't be opened, or a release's adapter can't be served
    static FeedbackDesk open(
            String place, ServedModels models, AdapterDesk adapters, ServeConfig config) {
        var store = FeedbackStore.open(place, config.redaction());
        var desk = new FeedbackDesk(store, models, adapters, config);
        try {
            desk.store.current().values().forEach(desk::serve);
        } catch (RuntimeException | Error e) {
            desk.close();
            throw e;
        }
        desk.watch.start();
        return desk;
    }

    /// What keeps the answers to a chat.
    AnswerRecord record(ChatRequest request, Fields chat) throws ApiException {
        return new AnswerRecord(
                store,
                request,
                chat,
                origin(models.askedName(chat), request.model().name()),
                Traffic.user(chat).orElse(""));
    }

    /// Keeps judgements, all or none.
    ///
    /// @throws ApiException if an answer that they speak of isn't kept
    void judge(List<Judgement> judgements) throws ApiException {
        if (!store.judge(judgements)) {
            throw new ApiException(
                    404,
                    "answer_not_found",
                    "there is no such answer: it was never kept, or was forgotten since");
        }
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(LOOK);
                try {
                    store.current().values().forEach(this::serve);
                } catch (AttuneException e) {
                    LOG.warn("what answers stays as it is: {}", e.getMessage());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Has a release answer for its name, if it doesn't yet.
    private synchronized void serve(Release release) {
        String asked = release.model();
        if (!models.has(asked)
                || Integer.valueOf(release.number()).equals(served.put(asked, release.number()))) {
            return;
        }
        if (release.isStart()) {
            models.traffic().withdraw(asked);
        } else {
            String name = "%s@%d".formatted(asked, first(release));
            if (!models.has(name)) {
                adapters.add(name, release.adapter());
            }
            folders.put(name, release.adapter());
            unload(asked, Set.of(name, models.traffic().release(asked, name)));
        }
        LOG.info("release {} answers for {}", release.number(), asked);
    }

    /// Gives up the adapters of a name's releases but those that are and were in force.
    private void unload(String asked, Set<String> kept) {
        for (String name : List.copyOf(folders.keySet())) {
            if (name.startsWith(asked + "@") && !kept.contains(name)) {
                folders.remove(name);
                models.drop(name);
            }
        }
    }

    /// The number by which a release's adapter is known, also when it comes back.
    private int first(Release release) {
        return store.releases().stream()
                .filter(r -> r.model().equals(release.model()))
                .filter(r -> r.adapter().equals(release.adapter()))
                .mapToInt(Release::number)
                .min()
                .orElse(release.number());
    }

    /// What answers a request for a name.
    private synchronized Origin origin(String asked, String answeredBy) {
        String start = start(asked);
        return new Origin(
                asked,
                answeredBy,
                place(config.model().modelNameOrPath()),
                start,
                folders.getOrDefault(answeredBy, start(answeredBy)));
    }

    private String start(String name) {
        return Optional.ofNullable(config.adapters().get(name))
                .or(() -> config.model().adapterNameOrPath())
                .map(FeedbackDesk::place)
                .orElse("");
    }

    /// What is on this machine by its whole path: who learns may be elsewhere.
    private static String place(String nameOrPath) {
        Path path = Path.of(nameOrPath);
        return Files.exists(path) ? path.toAbsolutePath().normalize().toString() : nameOrPath;
    }

    /// `/v1/feedback`.
    @Override
    public void handle(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(KEYS, Map.of());
        String id = body.text("id").orElseThrow(() -> body.bad("id", "is missing"));
        int choice = body.integer("choice", 0, Integer.MAX_VALUE, 0);
        String user = body.text("user").orElse("");
        String note = body.text("note").orElse("");
        List<Judgement> judgements =
                opinions(body, id).stream()
                        .map(opinion -> new Judgement(id, choice, user, opinion, note))
                        .toList();
        if (judgements.isEmpty()) {
            throw body.bad(
                    "label",
                    "is missing; accepted: one or several of \"label\", \"score\", \"better_than\","
                            + " \"corrected\"");
        }
        judge(judgements);
        Map<String, Object> kept = new LinkedHashMap<>();
        kept.put("id", id);
        kept.put("object", "feedback");
        kept.put("judgements", (long) judgements.size());
        call.json(kept);
    }

    private static List<Opinion> opinions(Fields body, String id) throws ApiException {
        List<Opinion> opinions = new ArrayList<>();
        if (body.has("label")) {
            opinions.add(new Thumb(isGood(body)));
        }
        body.number("score", 0, 1).ifPresent(score -> opinions.add(new Score(score)));
        Optional<String> corrected = body.text("corrected");
        if (corrected.isPresent()) {
            if (corrected.get().isBlank()) {
                throw body.bad("corrected", "is empty");
            }
            opinions.add(new Corrected(corrected.get()));
        }
        if (body.value("better_than") instanceof String other) {
            opinions.add(new BetterThan(other, 0));
        } else if (body.value("better_than") instanceof Long) {
            opinions.add(new BetterThan(id, body.integer("better_than", 0, Integer.MAX_VALUE, 0)));
        } else if (body.object("better_than").isPresent()) {
            Fields other = body.object("better_than").get();
            other.require(Set.of("id", "choice"), Map.of());
            opinions.add(
                    new BetterThan(
                            other.text("id").orElse(id),
                            other.integer("choice", 0, Integer.MAX_VALUE, 0)));
        }
        return opinions;
    }

    private static boolean isGood(Fields body) throws ApiException {
        return switch (body.value("label")) {
            case Boolean label -> label;
            case String label when label.equals("up") -> true;
            case String label when label.equals("down") -> false;
            default -> throw body.bad("label", "is neither true, false, \"up\" nor \"down\"");
        };
    }

    @Override
    public void close() {
        watch.interrupt();
        store.close();
    }
}
