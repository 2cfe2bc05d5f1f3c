package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.attune.images.Picture;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Puts the pictures of a row where its messages have them: columns `images` and `image`, and parts
/// of contents in the forms of TRL, OpenAI and Unsloth. Pictures become parts
/// `{"type": "image", "image": …}`.
///
/// Without places for them, all pictures of the columns stand before the first user's text, as in
/// TRL. Unlike there, `<image>` in texts is a place if there are as many as pictures, as
/// LLaMA-Factory and LLaVA write it.
final class PictureColumns {
    /// The columns that hold pictures.
    static final Set<String> NAMES = Set.of("images", "image");

    private static final String PLACE = "<image>";
    private static final Set<String> PICTURES = Set.of("image", "image_url", "input_image");
    private static final Set<String> OTHER_MEDIA =
            Set.of(
                    "video",
                    "video_url",
                    "audio",
                    "audio_url",
                    "input_audio",
                    "input_video",
                    "file");

    /// How texts are called in OpenAI's newer requests, and by Qwen, which leaves types out.
    private static final Set<String> TEXTS = Set.of("input_text", "output_text", "null");

    /// What Qwen's tools say of a single picture.
    private static final List<String> SIZES =
            List.of("min_pixels", "max_pixels", "resized_height", "resized_width");

    private final Row row;
    private final PictureSource source;

    private PictureColumns(Row row) {
        this.row = row;
        this.source = new PictureSource(row.origin());
    }

    /// The row with its pictures in the messages of its columns.
    ///
    /// @param first  the column whose messages get the pictures of `images` and `image`
    /// @param others columns whose messages get none of these pictures
    /// @throws DatasetException with the row's place, if a picture is missing or of no known form,
    ///     or there are more or fewer places than pictures
    static Row placed(Row row, String first, String... others) {
        return new PictureColumns(row).placedIn(first, others);
    }

    /// The row with pictures in place of what parts of contents say of them, so that contents are
    /// equal where they show the same.
    ///
    /// @param columns of messages
    /// @throws DatasetException as [#placed]
    static Row read(Row row, String... columns) {
        var reader = new PictureColumns(row);
        Map<String, Object> read = new LinkedHashMap<>(row.columns());
        for (String column : columns) {
            if (row.get(column) instanceof List<?> messages) {
                read.put(column, reader.read(column, messages));
            }
        }
        return row.with(read);
    }

    /// Refuses pictures in a row whose type has no place for them.
    ///
    /// @param type in words
    static void requireNone(Row row, DatasetType type) {
        row.columns()
                .forEach(
                        (column, value) -> {
                            if (holdsPictures(column, value)) {
                                throw fault(
                                        row,
                                        "column %s holds pictures, which rows of the type %s don't take; classify and prm take them in messages"
                                                .formatted(column, type.key()));
                            }
                        });
    }

    /// Refuses pictures in messages for a model that sees none: its template would fail on them, or
    /// write image tokens that the model was never made for.
    static void requireTexts(Row row, String column) {
        if (showsPictures(row.get(column))) {
            throw fault(
                    row,
                    "column %s holds pictures, and the model sees none; take one that does, or leave them out"
                            .formatted(column));
        }
    }

    private static boolean holdsPictures(String column, Object value) {
        return NAMES.contains(column)
                ? value != null && !List.of().equals(value)
                : showsPictures(value);
    }

    private static boolean showsPictures(Object value) {
        return value instanceof List<?> messages
                && messages.stream()
                        .flatMap(message -> parts(message).stream())
                        .anyMatch(PictureColumns::isPicture);
    }

    private static boolean isPicture(Object part) {
        return part instanceof Map<?, ?> map
                && (map.get("image") != null
                        || map.get("type") instanceof String type && PICTURES.contains(type));
    }

    private Row placedIn(String first, String... others) {
        List<Picture> given = given();
        Map<String, Object> columns = new LinkedHashMap<>(row.columns());
        if (row.get(first) instanceof List<?> messages) {
            columns.put(first, filled(first, messages, given));
        } else if (!given.isEmpty()) {
            throw fault(
                    row,
                    "column %s is %s, but pictures stand in messages: [{\"role\": \"user\", \"content\": …}] is accepted"
                            .formatted(first, JsonValues.kind(row.get(first))));
        }
        for (String other : others) {
            if (row.get(other) instanceof List<?> messages) {
                columns.put(other, filled(other, messages, List.of()));
            }
        }
        return row.with(columns);
    }

    private List<Picture> given() {
        List<Picture> pictures = new ArrayList<>();
        for (String column : List.of("images", "image")) {
            Object value = row.get(column);
            if (value instanceof List<?> list) {
                for (Object one : list) {
                    String name = "%s[%d]".formatted(column, pictures.size());
                    pictures.add(
                            source.picture(name, one)
                                    .orElseThrow(() -> fault(row, name + " is null")));
                }
            } else {
                source.picture(column, value).ifPresent(pictures::add);
            }
        }
        return pictures;
    }

    private List<Object> read(String column, List<?> given) {
        List<Object> messages = new ArrayList<>();
        for (Object message : given) {
            messages.add(message instanceof Map<?, ?> map ? converted(column, map) : message);
        }
        return messages;
    }

    private List<Object> filled(String column, List<?> given, List<Picture> pictures) {
        List<Object> messages = read(column, given);
        long places = messages.stream().mapToLong(PictureColumns::places).sum();
        if (places == 0 && !pictures.isEmpty()) {
            long written = messages.stream().mapToLong(PictureColumns::written).sum();
            if (written > 0 && written != pictures.size()) {
                throw mismatch(pictures.size(), written, column + " has %s in texts");
            }
            if (written > 0) {
                messages.replaceAll(PictureColumns::split);
            } else {
                insert(messages, pictures.size());
            }
            places = messages.stream().mapToLong(PictureColumns::places).sum();
        }
        if (places != pictures.size()) {
            throw mismatch(pictures.size(), places, column + " has places for %s");
        }
        return fill(messages, pictures);
    }

    private DatasetException mismatch(int pictures, long places, String where) {
        return fault(
                row,
                "the row has %d pictures, but column %s; write {\"type\": \"image\"} in a content for each, or none at all"
                        .formatted(pictures, where.formatted(places + " of them")));
    }

    /// A message whose pictures are there or are places; what is null in parts is left out, since
    /// Parquet gives all parts the same keys.
    private Map<String, Object> converted(String column, Map<?, ?> message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        message.forEach((key, value) -> fields.put(String.valueOf(key), value));
        if (!(fields.get("content") instanceof List<?> parts)) {
            return fields;
        }
        List<Object> converted = new ArrayList<>();
        for (Object part : parts) {
            String name = "%s, part %d".formatted(column, converted.size() + 1);
            converted.add(part instanceof Map<?, ?> map ? part(name, map) : part);
        }
        fields.put("content", converted);
        return fields;
    }

    private Map<String, Object> part(String name, Map<?, ?> part) {
        Map<String, Object> fields = new LinkedHashMap<>();
        part.forEach(
                (key, value) -> {
                    if (value != null) {
                        fields.put(String.valueOf(key), value);
                    }
                });
        String type = String.valueOf(fields.get("type"));
        if (OTHER_MEDIA.contains(type)) {
            throw fault(
                    row,
                    "%s is of the type %s; accepted: text, image, image_url".formatted(name, type));
        }
        if (TEXTS.contains(type) && fields.get("text") instanceof String) {
            fields.put("type", "text");
        }
        if (!PICTURES.contains(type) && !(type.equals("null") && fields.containsKey("image"))) {
            return fields;
        }
        for (String key : SIZES) {
            if (fields.containsKey(key)) {
                throw fault(
                        row,
                        "%s has %s, but all pictures are resized alike; leave it out, and set image_settings: {max_pixels: …} or {size: …}"
                                .formatted(name, key));
            }
        }
        Map<String, Object> picture = new LinkedHashMap<>();
        picture.put("type", "image");
        source.picture(name, payload(fields)).ifPresent(value -> picture.put("image", value));
        return picture;
    }

    private static Object payload(Map<String, Object> part) {
        for (String key : List.of("image", "image_url", "url", "path", "base64", "bytes", "data")) {
            Object value = part.get(key);
            if (value instanceof Map<?, ?> map && map.containsKey("url")) {
                return map.get("url");
            }
            if (value != null) {
                boolean isText = List.of("base64", "bytes", "data").contains(key);
                return isText ? Map.of("bytes", value) : value;
            }
        }
        return null;
    }

    private static List<?> parts(Object message) {
        return message instanceof Map<?, ?> map
                        && !"tool".equals(map.get("role"))
                        && map.get("content") instanceof List<?> parts
                ? parts
                : List.of();
    }

    private static boolean isPlace(Object part) {
        return part instanceof Map<?, ?> map
                && "image".equals(map.get("type"))
                && !map.containsKey("image");
    }

    private static long places(Object message) {
        return parts(message).stream().filter(PictureColumns::isPlace).count();
    }

    private static Optional<String> text(Object message) {
        return message instanceof Map<?, ?> map && map.get("content") instanceof String text
                ? Optional.of(text)
                : Optional.empty();
    }

    private static long written(Object message) {
        return text(message).map(text -> text.split(PLACE, -1).length - 1).orElse(0);
    }

    /// A message whose text has places, as parts.
    private static Object split(Object message) {
        if (written(message) == 0) {
            return message;
        }
        List<Object> parts = new ArrayList<>();
        String[] texts = text(message).orElseThrow().split(PLACE, -1);
        for (int i = 0; i < texts.length; i++) {
            if (i > 0) {
                parts.add(Map.of("type", "image"));
            }
            if (!texts[i].isEmpty()) {
                parts.add(textPart(texts[i]));
            }
        }
        return with(message, parts);
    }

    private static Map<String, Object> textPart(String text) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "text");
        part.put("text", text);
        return part;
    }

    private static Map<String, Object> with(Object message, List<Object> content) {
        Map<String, Object> fields = new LinkedHashMap<>();
        ((Map<?, ?>) message).forEach((key, value) -> fields.put(String.valueOf(key), value));
        fields.put("content", content);
        return fields;
    }

    /// Writes places before the first text of a user.
    private static void insert(List<Object> messages, int count) {
        for (int i = 0; i < messages.size(); i++) {
            Object message = messages.get(i);
            boolean isUser = message instanceof Map<?, ?> map && "user".equals(map.get("role"));
            if (isUser && text(message).isPresent()) {
                List<Object> parts = new ArrayList<>();
                for (int place = 0; place < count; place++) {
                    parts.add(Map.of("type", "image"));
                }
                parts.add(textPart(text(message).get()));
                messages.set(i, with(message, parts));
                return;
            }
        }
    }

    private static List<Object> fill(List<Object> messages, List<Picture> pictures) {
        List<Picture> left = new ArrayList<>(pictures);
        List<Object> filled = new ArrayList<>();
        for (Object message : messages) {
            if (places(message) == 0) {
                filled.add(message);
                continue;
            }
            List<Object> parts = new ArrayList<>();
            for (Object part : parts(message)) {
                parts.add(
                        isPlace(part)
                                ? Map.of("type", "image", "image", left.removeFirst())
                                : part);
            }
            filled.add(with(message, parts));
        }
        return filled;
    }

    private static DatasetException fault(Row row, String what) {
        return new DatasetException(row.origin().where() + ": " + what);
    }
}
