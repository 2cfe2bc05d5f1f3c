package org.attune.reward.judge;

import org.attune.error.ServerException;
import org.attune.http.JsonPost;
import org.attune.http.PatientPost;
import org.attune.json.Json;
import org.attune.json.JsonException;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/// Asks a server's `/chat/completions`, within its limits. An answer that was given before is taken
/// from the cache, and equal requests go out once. Thread-safe.
final class ChatEndpoint {
    private static final long LARGEST_ANSWER = 8 << 20;
    private static final int CHARACTERS_PER_TOKEN = 4;
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final JudgeSettings settings;
    private final JsonPost post;
    private final RateLimit limit;
    private final Semaphore free;
    private final Optional<AnswerCache> cache;
    private final Map<String, Object> underWay = new ConcurrentHashMap<>();
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong hits = new AtomicLong();
    private final AtomicLong tokens = new AtomicLong();

    /// What a judge wrote.
    ///
    /// @param isCached whether no request was made for it
    record Answer(String text, boolean isCached) {}

    ChatEndpoint(JudgeSettings settings) {
        this.settings = settings;
        JudgeSettings.Server server = settings.server();
        URI url = URI.create(server.baseUrl().replaceFirst("/+$", "") + "/chat/completions");
        post = new JsonPost(url, server.timeout(), LARGEST_ANSWER, server.key());
        limit = new RateLimit(server.requestsPerMinute(), server.tokensPerMinute(), MINUTE);
        free = new Semaphore(server.concurrency(), true);
        cache = settings.cache().map(AnswerCache::new);
    }

    /// Asks for an answer.
    ///
    /// @throws ServerException if the server refuses, fails, or its answer is no completion
    Answer ask(String question) throws InterruptedException {
        String request = request(question);
        if (cache.isEmpty()) {
            return new Answer(send(request), false);
        }
        String key = AnswerCache.key(post.url().toString(), request);
        Object lock = underWay.computeIfAbsent(key, _ -> new Object());
        try {
            synchronized (lock) {
                Optional<String> kept = cache.get().get(key);
                if (kept.isPresent()) {
                    hits.incrementAndGet();
                    return new Answer(kept.get(), true);
                }
                String answer = send(request);
                cache.get().put(key, settings.server().model(), answer);
                return new Answer(answer, false);
            }
        } finally {
            underWay.remove(key, lock);
        }
    }

    private String request(String question) {
        List<Object> messages = new ArrayList<>();
        settings.asked().system().ifPresent(text -> messages.add(message("system", text)));
        messages.add(message("user", question));
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("model", settings.server().model());
        request.put("messages", messages);
        request.put("temperature", settings.sampling().temperature());
        request.put("max_tokens", (long) settings.sampling().maxTokens());
        settings.sampling()
                .extraBody()
                .forEach(
                        (name, value) -> {
                            if (value == null) {
                                request.remove(name);
                            } else {
                                request.put(name, value);
                            }
                        });
        return Json.write(request);
    }

    private static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private String send(String request) throws InterruptedException {
        int estimate = request.length() / CHARACTERS_PER_TOKEN + settings.sampling().maxTokens();
        var use = new AtomicReference<RateLimit.Use>();
        var patient =
                new PatientPost(
                        post,
                        settings.server().pause(),
                        new Keys(),
                        () -> {
                            use.set(limit.acquire(estimate));
                            requests.incrementAndGet();
                        });
        free.acquire();
        try {
            String body = patient.send(request);
            Object reply = parsed(body);
            usedTokens(reply)
                    .ifPresent(
                            used -> {
                                limit.correct(use.get(), used);
                                tokens.addAndGet(used);
                            });
            return content(reply, body);
        } finally {
            free.release();
        }
    }

    private Object parsed(String body) {
        try {
            return Json.parse(body);
        } catch (JsonException e) {
            throw unreadable(body);
        }
    }

    private ServerException unreadable(String body) {
        return new ServerException(
                "%s answered what is no chat completion: %s; base_url must be that of an OpenAI-compatible server and end with /v1"
                        .formatted(post.shown(), PatientPost.start(body)));
    }

    private String content(Object reply, String body) {
        if (reply instanceof Map<?, ?> map
                && map.get("choices") instanceof List<?> choices
                && !choices.isEmpty()
                && choices.getFirst() instanceof Map<?, ?> choice
                && choice.get("message") instanceof Map<?, ?> message) {
            return switch (message.get("content")) {
                case String text -> text;
                case List<?> parts -> joined(parts);
                case null -> "";
                default -> throw unreadable(body);
            };
        }
        throw unreadable(body);
    }

    private static String joined(List<?> parts) {
        var text = new StringBuilder();
        for (Object part : parts) {
            if (part instanceof Map<?, ?> map && map.get("text") instanceof String piece) {
                text.append(piece);
            }
        }
        return text.toString();
    }

    private static Optional<Integer> usedTokens(Object reply) {
        return reply instanceof Map<?, ?> map
                        && map.get("usage") instanceof Map<?, ?> usage
                        && usage.get("total_tokens") instanceof Long total
                        && total >= 0
                        && total <= Integer.MAX_VALUE
                ? Optional.of(total.intValue())
                : Optional.empty();
    }

    /// What was asked, in words; empty if nothing was.
    Optional<String> account() {
        if (requests.get() + hits.get() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                "%d requests, %d answers from the cache, %d tokens"
                        .formatted(requests.get(), hits.get(), tokens.get()));
    }

    /// The judge's keys that a failure concerns.
    private record Keys() implements PatientPost.Advice {
        @Override
        public String late() {
            return "raise the judge's timeout, or lower its concurrency";
        }

        @Override
        public String unreachable() {
            return "start the server, or correct the judge's base_url";
        }

        @Override
        public String tooLarge() {
            return "lower the judge's max_tokens";
        }

        @Override
        public String refused(int status) {
            return switch (status) {
                case 400, 422 ->
                        "the server doesn't take a field of the request; extra_body changes fields,"
                                + " and takes out those that it sets to null";
                case 401, 403 -> "let api_key_env name an environment variable with the key";
                case 404 -> "base_url ends with /v1, and model is a name that the server knows";
                case 429 -> "lower concurrency, requests_per_minute or tokens_per_minute";
                default -> "see the server's own log";
            };
        }
    }
}
