package org.attune.board;

import org.attune.error.ConfigException;
import org.attune.hash.Sha256;
import org.attune.images.Picture;
import org.attune.serve.ApiException;
import org.attune.serve.Call;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Pictures of the questions that pages were told. Pages know them by addresses at the board, which
/// name no file, so that no other can be asked for; pairs have paths or bytes in their places.
/// Thread-safe.
final class LabelPictures {
    private static final String PLACE = "/api/label/pictures/";
    private static final int MOST = 4096;
    private static final int SIDE = 1024; // pixels of what is shown

    private final Map<String, Picture> known = new LinkedHashMap<>(); // the oldest make room

    /// Messages, or a text, with what rows of any file may have in the places of pictures.
    static Object kept(Object value) {
        return changed(value, image -> image instanceof Picture p ? p.address() : image);
    }

    /// Messages, or a text, with addresses at the board, which are answered from now on, in the
    /// places of pictures.
    Object told(Object value) {
        return changed(value, image -> image instanceof Picture p ? told(p) : image);
    }

    private synchronized String told(Picture picture) {
        String name = Sha256.hex(picture.address());
        known.remove(name);
        known.put(name, picture);
        if (known.size() > MOST) {
            known.remove(known.keySet().iterator().next());
        }
        return PLACE + name;
    }

    /// What a page sends back, with what rows may have in the places of addresses at the board.
    ///
    /// @throws ConfigException if the board knows such an address no more
    Object restored(Object value) {
        return changed(
                value,
                image ->
                        image instanceof String address && address.startsWith(PLACE)
                                ? restored(address.substring(PLACE.length()))
                                : image);
    }

    private synchronized String restored(String name) {
        Picture picture = known.get(name);
        if (picture == null) {
            throw new ConfigException(
                    "a picture of the question is known no more, as after the board was started"
                            + " anew; reload the page");
        }
        return picture.address();
    }

    /// `GET /api/label/pictures/NAME`: a PNG as models see the picture, of a size for screens. One
    /// is decoded at a time, since decoded they are large.
    void show(Call call) throws ApiException, IOException {
        byte[] png;
        synchronized (known) {
            Picture picture = named(call.name());
            png = picture.thumbnail(SIDE);
        }
        call.bytes("image/png", png);
    }

    private synchronized Picture named(String name) throws ApiException {
        Picture picture = known.get(name);
        if (picture == null) {
            throw new ApiException(404, "not_found", "no question has such a picture");
        }
        return picture;
    }

    private static Object changed(Object value, UnaryOperator<Object> image) {
        return switch (value) {
            case List<?> list -> list.stream().map(one -> changed(one, image)).toList();
            case Map<?, ?> map -> {
                Map<String, Object> fields = new LinkedHashMap<>();
                map.forEach(
                        (key, field) ->
                                fields.put(
                                        String.valueOf(key),
                                        key.equals("image")
                                                ? image.apply(field)
                                                : changed(field, image)));
                yield fields;
            }
            case null, default -> value;
        };
    }
}
