package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader;
import org.attune.text.parse.turn.Mark;
import org.attune.text.parse.turn.Quote;
import org.attune.text.parse.turn.Region;
import org.attune.text.parse.turn.TurnFormat;
import org.attune.text.parse.turn.TurnFormat.Opening;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// A form of turns that models of one origin share.
///
/// @param name of the form, for messages
/// @param signs texts that only templates of this form hold
/// @param thoughts what opens and what closes reasoning, in pairs; an empty text opens it where
///     what closes it comes later
/// @param ends what ends a turn
/// @param headers what a turn begins with
/// @param skipped texts that mean nothing
/// @param reasoningKey key of the reasoning in messages
/// @param calls what opens calls
public record Family(
        String name,
        List<String> signs,
        List<List<String>> thoughts,
        List<String> ends,
        List<String> headers,
        List<String> skipped,
        String reasoningKey,
        List<Opening> calls) {

    /// A family that thinks between the usual tags.
    static Family of(String name, String sign, List<String> ends, Opening... calls) {
        return new Family(
                name,
                List.of(sign),
                List.of(List.of("<think>", "</think>")),
                ends,
                List.of(),
                List.of(),
                "reasoning_content",
                List.of(calls));
    }

    Family withSigns(String... texts) {
        return new Family(
                name, List.of(texts), thoughts, ends, headers, skipped, reasoningKey, calls);
    }

    Family withThoughts(String open, String close) {
        return withThoughts(List.of(List.of(open, close)), reasoningKey);
    }

    Family withThoughts(List<List<String>> pairs, String key) {
        return new Family(name, signs, pairs, ends, headers, skipped, key, calls);
    }

    Family withHeaders(String... texts) {
        return new Family(
                name, signs, thoughts, ends, List.of(texts), skipped, reasoningKey, calls);
    }

    Family withSkipped(String... texts) {
        return new Family(
                name, signs, thoughts, ends, headers, List.of(texts), reasoningKey, calls);
    }

    /// Calls between two texts.
    static Opening block(String open, String close, List<Quote> quotes, CallReader reader) {
        return Opening.of(
                Mark.of(open), new Region.Calls(List.of(Mark.of(close)), quotes, false, reader));
    }

    /// Calls from a mark to the turn's end.
    static Opening rest(Mark open, List<Quote> quotes, CallReader reader) {
        return Opening.of(open, new Region.Calls(List.of(), quotes, true, reader));
    }

    /// The format of a model of this family.
    ///
    /// @param moreEnds end tokens of the model
    /// @param moreHeaders headers that its template writes
    public TurnFormat format(Collection<String> moreEnds, Collection<String> moreHeaders) {
        var openings = new ArrayList<Opening>();
        for (List<String> thought : thoughts) {
            openings.add(
                    Opening.of(
                            thought.getFirst().isEmpty()
                                    ? Mark.ahead(thought.getLast())
                                    : Mark.of(thought.getFirst()),
                            new Region.Prose(true, List.of(Mark.of(thought.getLast())))));
        }
        openings.addAll(calls);
        List<String> allEnds = joined(ends, moreEnds);
        List<String> allHeaders =
                joined(
                        headers,
                        moreHeaders.stream()
                                .filter(more -> headers.stream().noneMatch(more::startsWith))
                                .toList());
        return new TurnFormat(
                openings,
                allEnds.stream().map(Mark::of).toList(),
                skipped,
                joined(allEnds, skipped),
                allHeaders,
                prompt -> promptEnd(prompt, allHeaders),
                reasoningKey,
                Map.of(),
                true,
                true);
    }

    private static List<String> joined(Collection<String> some, Collection<String> more) {
        return new LinkedHashSet<>(Stream.concat(some.stream(), more.stream()).toList())
                .stream().toList();
    }

    /// What follows the last header; if there is none, reasoning that the prompt opened.
    private String promptEnd(String prompt, List<String> allHeaders) {
        int start = -1;
        for (String header : allHeaders) {
            int last = prompt.lastIndexOf(header);
            start = last < 0 ? start : Math.max(start, last + header.length());
        }
        for (List<String> thought : thoughts) {
            int open = prompt.lastIndexOf(thought.getFirst());
            if (start < 0 && open > prompt.lastIndexOf(thought.getLast())) {
                return prompt.substring(open);
            }
        }
        return start < 0 ? "" : prompt.substring(start);
    }
}
