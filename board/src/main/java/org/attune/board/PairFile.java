package org.attune.board;

import org.attune.hash.Sha256;
import org.attune.json.Json;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Preferences of those who read answers, as rows that `attune dpo` trains on. Ties are no pairs:
/// they are in a file beside, so that nobody is asked again. Thread-safe.
final class PairFile {
    private static final Set<String> KEYS =
            Set.of("prompt", "first", "second", "choice", "tools", "first_id", "second_id");

    private final Path pairs;
    private final Path ties;
    private final Set<String> judged = new HashSet<>();
    private int count;
    private int tied;

    /// Reads what was judged before.
    ///
    /// @throws IOException if a file is there and can't be read
    PairFile(Path pairs) throws IOException {
        this.pairs = pairs.toAbsolutePath();
        String name = this.pairs.getFileName().toString().replaceFirst("\\.jsonl$", "");
        ties = this.pairs.resolveSibling(name + ".ties.jsonl");
        count = read(this.pairs);
        tied = read(ties);
    }

    private int read(Path file) throws IOException {
        int rows = 0;
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                if (!line.isBlank()) {
                    if (Json.parse(line) instanceof Map<?, ?> row) {
                        judged.add(key(row.get("prompt"), row.get("chosen"), row.get("rejected")));
                    }
                    rows++;
                }
            }
        }
        return rows;
    }

    /// What tells a question from others: its prompt and its answers, in whichever order.
    private static String key(Object prompt, Object first, Object second) {
        return Sha256.hex( // of what may have bytes of pictures in it
                Stream.of(first, second)
                        .map(Json::write)
                        .sorted()
                        .collect(Collectors.joining("\n", Json.write(prompt) + "\n", "")));
    }

    synchronized boolean isJudged(Object prompt, Object first, Object second) {
        return judged.contains(key(prompt, first, second));
    }

    /// `POST /api/pairs`: `prompt`, `first` and `second`, each a text or messages, `choice`
    /// (`first`, `second` or `tie`), `tools` if the prompt had some, and of answers that a server
    /// gave `first_id` and `second_id`, by which it knows them.
    ///
    /// @param pictures of questions that pages were told
    /// @param models the server, which is told too
    void add(Call call, LabelPictures pictures, ModelDesk models)
            throws ApiException, IOException, InterruptedException {
        Fields body = call.body();
        body.require(KEYS, Map.of());
        Object prompt = pictures.restored(required(body, "prompt"));
        Object first = pictures.restored(required(body, "first"));
        Object second = pictures.restored(required(body, "second"));
        String choice = body.text("choice").orElse("");
        if (!List.of("first", "second", "tie").contains(choice)) {
            throw body.bad("choice", "is \"%s\"; accepted: first, second, tie".formatted(choice));
        }
        if (first.equals(second) && !choice.equals("tie")) {
            throw body.bad("choice", "is \"%s\", but the answers are equal".formatted(choice));
        }
        boolean isFirst = !choice.equals("second");
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("prompt", prompt);
        row.put("chosen", isFirst ? first : second);
        row.put("rejected", isFirst ? second : first);
        if (body.has("tools")) {
            row.put("tools", body.value("tools"));
        }
        Map<String, Object> told = new LinkedHashMap<>(append(row, choice.equals("tie")));
        Optional<String> better = body.text(isFirst ? "first_id" : "second_id");
        Optional<String> worse = body.text(isFirst ? "second_id" : "first_id");
        if (!choice.equals("tie") && better.isPresent() && worse.isPresent()) {
            told.put("server_keeps", models.prefers(better.get(), worse.get()));
        }
        call.json(told);
    }

    /// A text, or messages: where the prompt is messages, the answers are too.
    private static Object required(Fields body, String key) throws ApiException {
        Object value = body.value(key);
        boolean isMessages =
                value instanceof List<?> list
                        && !list.isEmpty()
                        && list.stream().allMatch(PairFile::isMessage);
        boolean isText = value instanceof String text && !text.isEmpty();
        if (!isMessages && !isText) {
            throw body.bad(key, "is neither a text nor messages with role and content");
        }
        if (isMessages != (body.value("prompt") instanceof List<?>)) {
            throw body.bad(key, "and \"prompt\" must both be texts or both be messages");
        }
        return value;
    }

    private static boolean isMessage(Object message) {
        return message instanceof Map<?, ?> fields && fields.get("role") instanceof String;
    }

    private synchronized Map<String, Object> append(Map<String, Object> row, boolean isTie)
            throws IOException {
        Files.write(
                isTie ? ties : pairs,
                (Json.inUtf8(Json.write(row)) + "\n").getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        judged.add(key(row.get("prompt"), row.get("chosen"), row.get("rejected")));
        count += isTie ? 0 : 1;
        tied += isTie ? 1 : 0;
        return counts();
    }

    /// How much was judged, and where it is.
    synchronized Map<String, Object> counts() {
        return Map.of("pairs", count, "ties", tied, "file", pairs.getFileName().toString());
    }
}
