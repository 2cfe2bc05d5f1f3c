package org.attune.datasets.formats;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.images.Picture;

import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Makes pictures of what rows hold: paths, which start at the folder of the rows' file, bytes,
/// `{bytes, path}` as `datasets` writes them, and `data:` addresses. Files are looked for and not
/// read yet.
///
/// @param origin of the row
record PictureSource(RowOrigin origin) {
    private static final Pattern BASE64 = Pattern.compile("[A-Za-z0-9+/\\s]{80,}=*\\s*");

    /// @param name  where the value stands in the row, for messages
    /// @param value of a column or a part
    /// @return empty if the value is null
    /// @throws DatasetException with the row's place
    Optional<Picture> picture(String name, Object value) {
        return switch (value) {
            case null -> Optional.empty();
            case byte[] bytes -> Optional.of(embedded(name, bytes));
            case String text -> Optional.of(named(name, text));
            case Map<?, ?> map when map.get("bytes") != null ->
                    Optional.of(embedded(name, bytes(name, map.get("bytes"))));
            case Map<?, ?> map when map.get("path") instanceof String path ->
                    Optional.of(named(name, path));
            case Map<?, ?> map when map.containsKey("bytes") || map.containsKey("path") ->
                    Optional.empty();
            case Picture picture -> Optional.of(picture);
            default ->
                    throw fault(
                            name,
                            "is %s; accepted: a path, bytes, {\"bytes\": …, \"path\": …}, or an address data:image/…;base64,…"
                                    .formatted(JsonValues.kind(value)));
        };
    }

    private byte[] bytes(String name, Object value) {
        return switch (value) {
            case byte[] bytes -> bytes;
            case String text -> base64(name, text);
            default ->
                    throw fault(
                            name,
                            "has bytes that are %s; accepted: binary, or text in Base64"
                                    .formatted(JsonValues.kind(value)));
        };
    }

    private Picture embedded(String name, byte[] bytes) {
        return Picture.of(where(name), bytes);
    }

    private Picture named(String name, String text) {
        if (text.startsWith("data:")) {
            int comma = text.indexOf(',');
            if (comma < 0 || !text.substring(0, comma).endsWith(";base64")) {
                throw fault(name, "is a data: address without ;base64,");
            }
            return embedded(name, base64(name, text.substring(comma + 1)));
        }
        if (text.matches("(?s)https?://.*")) {
            throw fault(
                    name,
                    "is the address %s; rows hold paths or bytes: download it first"
                            .formatted(shortened(text)));
        }
        Path path = path(name, text);
        if (!Files.isRegularFile(path)) {
            throw fault(
                    name + ":",
                    "there is no file %s (looked for at %s; paths start at the folder of %s)%s"
                            .formatted(
                                    shortened(text),
                                    shortened(path.toString()),
                                    origin.file(),
                                    BASE64.matcher(text).matches()
                                            ? "; Base64 is read behind data:image/png;base64,"
                                            : ""));
        }
        return Picture.at("%s (%s)".formatted(where(name), text), path);
    }

    private Path path(String name, String text) {
        try {
            if (!text.startsWith("file:")) {
                return beside(text);
            }
            Path decoded = beside(URLDecoder.decode(local(text).replace("+", "%2B"), UTF_8));
            return Files.isRegularFile(decoded) ? decoded : beside(local(text));
        } catch (IllegalArgumentException e) {
            throw fault(name, "is no path: " + shortened(text));
        }
    }

    private Path beside(String path) {
        return Path.of(origin.file()).toAbsolutePath().resolveSibling(path).normalize();
    }

    /// The path of a `file:` address. Behind `file://` a relative one may stand, as Qwen's tools
    /// read it.
    private static String local(String address) {
        return address.substring("file:".length())
                .replaceFirst("^//(localhost(?=/))?", "")
                .replaceFirst("^/(?=[A-Za-z]:/)", "");
    }

    private byte[] base64(String name, String text) {
        try {
            return Base64.getDecoder().decode(text.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw fault(name, "is no Base64: " + e.getMessage());
        }
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "…";
    }

    private String where(String name) {
        return origin.where() + ": " + name;
    }

    private DatasetException fault(String name, String what) {
        return new DatasetException(where(name) + " " + what);
    }
}
