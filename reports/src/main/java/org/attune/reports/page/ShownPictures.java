package org.attune.reports.page;

import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.trainers.report.HeldOutRow;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The small pictures of one page: those that lie in the run's folder, so many at most.
final class ShownPictures {
    /// Bytes of all pictures of a page.
    private static final int MOST = 2 << 20;

    private final Path run;
    private int bytes;

    ShownPictures(Path run) {
        this.run = run;
    }

    /// Adds pictures, each with its name where it isn't there or the page is full.
    void add(Html body, List<String> names) {
        for (String name : names) {
            byte[] png = HeldOutRow.picture(run, name).orElse(new byte[0]);
            bytes += png.length;
            if (png.length == 0 || bytes > MOST) {
                body.text("▣ " + RecordedRounds.cut(name) + "\n");
            } else {
                body.picture(png);
            }
        }
    }

    /// The parts of a content that was recorded as JSON; a text alone is one part.
    static List<?> parts(Object content) {
        if (content instanceof String text && text.startsWith("[{\"type\"")) {
            try {
                return Json.parse(text) instanceof List<?> parts ? parts : List.of(text);
            } catch (JsonException e) {
                return List.of(text); // somebody said what looks like it
            }
        }
        return content == null ? List.of() : List.of(content);
    }

    /// Names of the pictures of a recorded conversation.
    static List<String> names(Object cell) {
        List<String> names = new ArrayList<>();
        if (cell instanceof List<?> messages) {
            for (Object message : messages) {
                Object content = message instanceof Map<?, ?> map ? map.get("content") : null;
                for (Object part : parts(content)) {
                    if (part instanceof Map<?, ?> map && map.get("image") instanceof String name) {
                        names.add(name);
                    }
                }
            }
        }
        return names;
    }

    /// A recorded conversation with pictures in the places of their names, where the run knows
    /// their files.
    ///
    /// @param found of names that were looked for
    static Object seen(Path run, Object cell, Map<String, Optional<Picture>> found) {
        if (!(cell instanceof List<?> messages) || names(cell).isEmpty()) {
            return cell;
        }
        List<Object> seen = new ArrayList<>();
        for (Object message : messages) {
            var fields = new LinkedHashMap<Object, Object>((Map<?, ?>) message);
            List<?> parts = parts(fields.get("content"));
            if (parts.stream().anyMatch(Map.class::isInstance)) {
                fields.put("content", parts.stream().map(p -> part(run, p, found)).toList());
            }
            seen.add(fields);
        }
        return seen;
    }

    /// Whether names are left in a conversation of [#seen].
    static boolean lacks(Object cell) {
        return cell instanceof List<?> messages
                && messages.stream()
                        .map(m -> m instanceof Map<?, ?> map ? map.get("content") : null)
                        .flatMap(c -> c instanceof List<?> parts ? parts.stream() : null)
                        .anyMatch(
                                p -> p instanceof Map<?, ?> m && m.get("image") instanceof String);
    }

    private static Object part(Path run, Object part, Map<String, Optional<Picture>> found) {
        if (!(part instanceof Map<?, ?> map) || !(map.get("image") instanceof String name)) {
            return part;
        }
        var fields = new LinkedHashMap<Object, Object>(map);
        found.computeIfAbsent(name, n -> HeldOutRow.original(run, n))
                .ifPresent(picture -> fields.put("image", picture));
        return fields;
    }

    /// The text of a recorded content.
    static String text(Object content) {
        var text = new StringBuilder();
        for (Object part : parts(content)) {
            if (part instanceof Map<?, ?> map) {
                text.append(map.get("text") instanceof String said ? said : "");
            } else {
                text.append(part);
            }
        }
        return text.toString();
    }
}
