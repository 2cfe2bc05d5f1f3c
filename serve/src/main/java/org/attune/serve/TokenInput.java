package org.attune.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// A key that holds a text, token ids, or a list of either, as OpenAI's `prompt` and `input` do.
///
/// @param model whose ids they are
/// @param most elements of the list
record TokenInput(String key, ServedModel model, int most) {
    /// The elements in order.
    ///
    /// @param texts makes something of a text
    /// @param numbers makes something of token ids, all of which are in the vocabulary
    <T> List<T> read(Fields body, Function<String, T> texts, Function<int[], T> numbers)
            throws ApiException {
        if (body.value(key) instanceof String text) {
            return List.of(texts.apply(text));
        }
        List<?> list = body.list(key, Integer.MAX_VALUE);
        if (list.isEmpty()) {
            throw body.bad(key, "is missing or empty");
        }
        if (list.getFirst() instanceof Long) {
            return List.of(numbers.apply(ids(body, list)));
        }
        if (list.size() > most) {
            throw body.bad(key, "has %d elements; accepted: %d".formatted(list.size(), most));
        }
        List<T> read = new ArrayList<>();
        for (Object element : list) {
            read.add(
                    switch (element) {
                        case String text -> texts.apply(text);
                        case List<?> ids -> numbers.apply(ids(body, ids));
                        case null, default ->
                                throw body.bad(
                                        key,
                                        "holds %s; accepted: a text, token ids, or a list of either"
                                                .formatted(element));
                    });
        }
        return read;
    }

    /// Token ids of the model.
    int[] ids(Fields body, List<?> list) throws ApiException {
        int vocabulary = model.setup().source().config().vocabSize();
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!(list.get(i) instanceof Long id) || id < 0 || id >= vocabulary) {
                throw body.bad(
                        key,
                        "holds %s; accepted: token ids from 0 to %d"
                                .formatted(list.get(i), vocabulary - 1));
            }
            ids[i] = id.intValue();
        }
        return ids;
    }
}
