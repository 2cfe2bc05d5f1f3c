package org.attune.text.parse.template;

import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.UnreadableException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A part of a message in a turn's text: what opens it, what closes it, how its text is read.
///
/// @param name key of the message
/// @param open what begins it; empty for the field that takes what belongs to no other
/// @param close what ends it; empty if only the turn's end does
/// @param parser name of the parser of its text
/// @param args settings of the parser
/// @param reader the parser
/// @param repeats whether the message holds a list of what it is each time
/// @param join what stands between its texts, if they are joined
/// @param isOptional whether a message may be without it
/// @param transform form of the value; `{content}` and names of groups in it are replaced by what
///     was read
/// @param transformsEach whether each item of the list that was read is transformed
record ResponseField(
        String name,
        Optional<PythonPattern> open,
        Optional<PythonPattern> close,
        String parser,
        Map<String, Object> args,
        ContentReader reader,
        boolean repeats,
        Optional<String> join,
        boolean isOptional,
        Optional<Object> transform,
        boolean transformsEach) {

    /// The value of the field's text.
    ///
    /// @param captures groups of what opened and closed it
    /// @throws UnreadableException if the text isn't what the reader reads
    Object value(String text, Map<String, String> captures) {
        Object value = reader.read(text);
        return transform.map(form -> Transform.apply(this, form, value, captures)).orElse(value);
    }

    /// Puts a value into a message.
    ///
    /// @throws UnreadableException if texts are to be joined and it is none
    @SuppressWarnings("unchecked") // a list that was put there by this method
    void store(Map<String, Object> message, Object value) {
        Object previous = message.get(name);
        if (join.isPresent()) {
            if (!(value instanceof String text)) {
                throw new UnreadableException(name + " must be a text");
            }
            message.put(name, previous == null ? text : previous + join.get() + text);
        } else if (repeats) {
            if (!(previous instanceof List<?>)) {
                message.put(name, new ArrayList<>());
            }
            ((List<Object>) message.get(name)).add(value);
        } else {
            message.put(name, value);
        }
    }
}
