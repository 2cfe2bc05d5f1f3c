package org.attune.images;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.images.Picture.Size;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Settings of an image processor or of the text about pictures, with the file that they are from.
///
/// @param file for messages
/// @param json an object
record ImageSettings(String file, ObjectNode json) {
    /// No edge is larger, so that a damaged file doesn't ask for all memory.
    private static final int LARGEST = 1 << 16;

    boolean has(String key) {
        return json.hasNonNull(key);
    }

    boolean is(String key) {
        return json.path(key).asBoolean(false);
    }

    String text(String key, String otherwise) {
        JsonNode value = json.path(key);
        return value.isTextual() ? value.textValue() : otherwise;
    }

    int whole(String key) {
        return whole(key, json.path(key));
    }

    int whole(String key, int otherwise) {
        return has(key) ? whole(key) : otherwise;
    }

    private int whole(String key, JsonNode value) {
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < 1
                || value.intValue() > LARGEST) {
            throw wrong(key, value, "a whole number from 1 to " + LARGEST);
        }
        return value.intValue();
    }

    double number(String key) {
        JsonNode value = json.path(key);
        if (!value.isNumber() || !(value.doubleValue() > 0) || value.doubleValue() > LARGEST) {
            throw wrong(key, value, "a positive number");
        }
        return value.doubleValue();
    }

    /// A number of pixels, by its own key or by one of those in `size`.
    long pixels(String key, String inSize) {
        JsonNode value =
                has(key)
                        ? json.path(key)
                        : json.path("size").hasNonNull(inSize)
                                ? json.path("size").path(inSize)
                                : json.path("size").path(key);
        if (!value.isIntegralNumber() || value.longValue() < 1 || value.longValue() > 1L << 32) {
            throw wrong(key, value, "a number of pixels");
        }
        return value.longValue();
    }

    /// One number for each of red, green and blue.
    double[] colours(String key) {
        JsonNode value = json.path(key);
        double[] colours = new double[Pixels.CHANNELS];
        for (int i = 0; i < colours.length; i++) {
            JsonNode colour =
                    value.isArray() && value.size() == colours.length ? value.get(i) : value;
            if (!colour.isNumber()) {
                throw wrong(key, value, "a number, or three of them");
            }
            colours[i] = colour.doubleValue();
        }
        return colours;
    }

    Filter filter() {
        JsonNode value = json.path("resample");
        for (Filter filter : Filter.values()) {
            if (value.isIntegralNumber() && filter.number == value.longValue()) {
                return filter;
            }
        }
        throw wrong(
                "resample", value, "1 (lanczos), 2 (bilinear), 3 (bicubic), 4 (box), 5 (hamming)");
    }

    /// An edge of a size that is given as a number or by a name.
    Optional<Integer> edge(String key, String name) {
        JsonNode value = json.path(key);
        if (value.isNumber()) {
            return Optional.of(whole(key, value));
        }
        return value.hasNonNull(name)
                ? Optional.of(whole(key + "." + name, value.path(name)))
                : Optional.empty();
    }

    /// A size that is given as height and width, or as one number for both.
    Optional<Size> size(String key) {
        JsonNode value = json.path(key);
        if (value.isNumber()) {
            return Optional.of(new Size(whole(key, value), whole(key, value)));
        }
        return value.hasNonNull("height") && value.hasNonNull("width")
                ? Optional.of(
                        new Size(
                                whole(key + ".width", value.path("width")),
                                whole(key + ".height", value.path("height"))))
                : Optional.empty();
    }

    /// Sizes that are given as lists of height and width.
    List<Size> sizes(String key) {
        List<Size> sizes = new ArrayList<>();
        for (JsonNode size : json.path(key)) {
            sizes.add(new Size(whole(key, size.path(1)), whole(key, size.path(0))));
        }
        if (sizes.isEmpty()) {
            throw wrong(key, json.path(key), "lists of height and width");
        }
        return sizes;
    }

    <T> T required(String key, Optional<T> value, String accepted) {
        return value.orElseThrow(() -> wrong(key, json.path(key), accepted));
    }

    private ModelException wrong(String key, JsonNode value, String accepted) {
        return new ModelException(
                "%s: %s is %s; accepted: %s"
                        .formatted(file, key, value.isMissingNode() ? "missing" : value, accepted));
    }
}
