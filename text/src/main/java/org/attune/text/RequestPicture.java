package org.attune.text;

import org.attune.images.Picture;

import java.util.Base64;
import java.util.Map;
import java.util.Set;

/// A picture among the parts of a message that somebody sent: OpenAI's `image_url` and
/// `input_image`, and Anthropic's `image`. Its bytes stand in the request; no file and no address
/// is ever looked at.
final class RequestPicture {
    private static final Set<String> TYPES = Set.of("image_url", "input_image", "image");

    private RequestPicture() {}

    static boolean isOne(Map<?, ?> part) {
        return part.get("type") instanceof String type && TYPES.contains(type);
    }

    /// @throws IllegalArgumentException saying what is accepted, if its bytes aren't there
    static Picture read(Map<?, ?> part) {
        if (part.get("file_id") != null) {
            throw refused("is named by a file_id, and no files are kept here");
        }
        if (part.get("source") instanceof Map<?, ?> source) {
            return ofSource(source);
        }
        Object given = part.get("image_url");
        Object detail = part.get("detail");
        if (given instanceof Map<?, ?> map) {
            given = map.get("url");
            detail = map.get("detail");
        }
        if ("low".equals(detail)) {
            throw refused(
                    "has \"detail\": \"low\", but how many tokens it takes is the model's setting;"
                            + " send a smaller picture");
        }
        if (given instanceof String url) {
            return ofAddress(url);
        }
        throw refused("has no address with its bytes");
    }

    private static Picture ofSource(Map<?, ?> source) {
        if ("base64".equals(source.get("type")) && source.get("data") instanceof String data) {
            return data.startsWith("data:") ? ofAddress(data) : Picture.passing(bytes(data));
        }
        if (source.get("url") instanceof String url) {
            return ofAddress(url);
        }
        throw refused("has a source of the type " + source.get("type"));
    }

    private static Picture ofAddress(String url) {
        int comma = url.indexOf(',');
        if (url.startsWith("data:") && comma > 0 && url.substring(0, comma).endsWith(";base64")) {
            return Picture.passing(bytes(url.substring(comma + 1)));
        }
        String shown = url.length() <= 80 ? url : url.substring(0, 80) + "…";
        if (url.startsWith("data:")) {
            throw refused("is the address %s, which lacks ;base64,".formatted(shown));
        }
        throw refused(
                "is the address %s, and neither the web nor a disk is read for a request"
                        .formatted(shown));
    }

    private static byte[] bytes(String base64) {
        try {
            return Base64.getDecoder().decode(base64.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw refused("is no Base64: " + e.getMessage());
        }
    }

    private static IllegalArgumentException refused(String why) {
        return new IllegalArgumentException(
                "a picture " + why + "; accepted: data:image/png;base64,… and its like");
    }
}
