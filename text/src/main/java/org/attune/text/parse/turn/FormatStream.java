package org.attune.text.parse.turn;

import org.attune.text.BoundedMatch;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.TurnEvent;
import org.attune.text.parse.TurnStream;
import org.attune.text.parse.turn.TurnFormat.Opening;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// One turn on its way through a format. What more text could change is held back, so that the
/// result doesn't depend on how the text was cut.
final class FormatStream implements TurnStream {
    /// After so many unreadable calls strings are no longer looked at, so that time stays linear.
    private static final int MOST_REREAD = 20;

    private static final int LONGEST_HEADER = 1000;

    private final TurnFormat format;
    private final TurnMessage message;
    private final StringBuilder text = new StringBuilder();
    private final Map<Mark, Seeker> seekers = new HashMap<>();
    private final List<Mark> skipped;

    private int at;
    private State state = State.BEGUN;
    private Optional<OpenRegion> region = Optional.empty();
    private int reread;

    /// Where white space before a header was seen to end.
    private int spaceEnd;

    private boolean isWhole;

    private enum State {
        BEGUN,
        CONTENT,
        REGION,
        ENDED,
        OVER
    }

    /// A region that isn't closed yet.
    private static final class OpenRegion {
        final Region region;
        final Map<String, String> groups;
        final int openStart;
        final int start;
        final Quote.Lexing lexing;
        Optional<Hit> closeInString = Optional.empty();
        int searched;

        OpenRegion(Region region, Hit hit, int openStart, List<Quote> quotes) {
            this.region = region;
            this.groups = new HashMap<>(hit.groups());
            this.openStart = openStart;
            this.start = hit.end();
            this.searched = hit.end();
            this.lexing = new Quote.Lexing(quotes, hit.end());
        }
    }

    FormatStream(TurnFormat format, ArgumentTypes types, String prefix) {
        this.format = format;
        this.message = new TurnMessage(format, types);
        this.skipped = format.skipped().stream().map(Mark::of).toList();
        text.append(format.promptEnd().apply(prefix));
        read();
    }

    @Override
    public List<TurnEvent> feed(String piece) {
        requireOpen();
        text.append(piece);
        read();
        return message.heard();
    }

    @Override
    public List<TurnEvent> finish() {
        requireOpen();
        isWhole = true;
        read();
        return message.heard();
    }

    private void requireOpen() {
        if (isWhole) {
            throw new IllegalStateException("the turn was finished");
        }
    }

    @Override
    public ParsedTurn turn() {
        if (!isWhole) {
            throw new IllegalStateException("the turn wasn't finished");
        }
        return message.turn();
    }

    private void read() {
        try {
            while (step()) {}
        } catch (BoundedMatch.TooManyStepsException e) {
            message.unreadable("it is too long for its form", text.substring(at));
            at = text.length();
            state = State.OVER;
        }
    }

    /// Goes on to the next mark; false if there is none for now.
    private boolean step() {
        return switch (state) {
            case CONTENT -> content();
            case REGION ->
                    switch (region.orElseThrow().region) {
                        case Region.Prose prose -> prose(prose);
                        case Region.Calls calls -> calls(calls);
                        case Region.Value value -> value(value);
                    };
            case BEGUN -> header(State.CONTENT);
            case ENDED -> header(State.OVER);
            case OVER -> false;
        };
    }

    private Optional<Hit> seek(Mark mark, int from) {
        return seekers.computeIfAbsent(mark, Seeker::new).next(text, from, isWhole);
    }

    /// The first of several marks, and up to where the text is sure to hold none.
    private final class Search {
        private int sure = text.length();
        private Hit best;
        private Runnable action;

        void add(Mark mark, int from, Consumer<Hit> then) {
            Optional<Hit> found = seek(mark, from);
            if (found.isEmpty()) {
                return;
            }
            Hit hit = found.get();
            if (!hit.isSure()) {
                sure = Math.min(sure, hit.start());
            } else if (best == null || comesFirst(hit, best)) {
                best = hit;
                action = () -> then.accept(hit);
            }
        }

        private static boolean comesFirst(Hit hit, Hit other) {
            return hit.start() < other.start()
                    || hit.start() == other.start() && hit.end() > other.end();
        }

        /// Does what the first mark asks for; false if more text decides which it is.
        boolean act() {
            boolean isSure = best != null && (best.start() < sure || sure == text.length());
            if (isSure) {
                action.run();
            }
            return isSure;
        }
    }

    private boolean content() {
        var search = new Search();
        boolean holds = false;
        for (Opening opening : format.openings()) {
            search.add(opening.mark(), at, hit -> open(opening, hit));
            holds |= opening.takesBefore();
        }
        if (!holds) {
            skipped.forEach(mark -> search.add(mark, at, this::skip));
        }
        format.ends().forEach(mark -> search.add(mark, at, this::end));
        if (search.act()) {
            return true;
        }
        if (!holds || isWhole) {
            String rest = text.substring(at, search.sure);
            keep(holds ? beforeSkipped(rest) : rest);
            at = search.sure;
        }
        return false;
    }

    /// What stands before a header that was cut.
    private String beforeSkipped(String rest) {
        int end = rest.length();
        for (String mark : format.skipped()) {
            int start = rest.indexOf(mark);
            end = start < 0 ? end : Math.min(end, start);
        }
        return rest.substring(0, end);
    }

    private void keep(String piece) {
        if (format.keepsRest()) {
            message.content.append(piece);
        }
    }

    private void open(Opening opening, Hit hit) {
        String before = text.substring(at, hit.start());
        if (!opening.takesBefore()) {
            keep(before);
        }
        Region opened = opening.region().apply(hit.groups(), before);
        if (!(opened instanceof Region.Calls)) {
            message.content.endStretch();
        }
        List<Quote> quotes =
                opened instanceof Region.Calls calls && reread < MOST_REREAD
                        ? calls.quotes()
                        : List.of();
        int start = opening.takesBefore() ? at : hit.start();
        region = Optional.of(new OpenRegion(opened, hit, start, quotes));
        at = hit.end();
        state = State.REGION;
    }

    private void skip(Hit hit) {
        keep(text.substring(at, hit.start()));
        at = hit.end();
    }

    private void end(Hit hit) {
        keep(text.substring(at, hit.start()));
        message.content.endStretch();
        at = hit.end();
        state = State.ENDED;
    }

    /// Steps over a header. Some templates write a message as several, each with its own.
    ///
    /// @param otherwise what follows if there is none
    private boolean header(State otherwise) {
        int start = Math.max(at, spaceEnd);
        while (start < text.length() && PythonRules.isSpace(text.charAt(start))) {
            start++;
        }
        spaceEnd = start;
        String rest = text.substring(start, Math.min(text.length(), start + LONGEST_HEADER));
        for (String header : format.headers()) {
            if (rest.startsWith(header)) {
                at = start + header.length();
                state = State.CONTENT;
                return true;
            }
            if (header.startsWith(rest) && !isWhole) {
                return false;
            }
        }
        state = otherwise;
        return otherwise != State.OVER;
    }

    private boolean prose(Region.Prose prose) {
        JoinedText target = prose.isReasoning() ? message.reasoning : message.content;
        var search = new Search();
        prose.closes().forEach(mark -> search.add(mark, at, hit -> close(target, hit)));
        format.ends().forEach(mark -> search.add(mark, at, hit -> endWithin(target, hit)));
        skipped.forEach(mark -> search.add(mark, at, hit -> close(target, hit)));
        if (search.act()) {
            return true;
        }
        target.append(text.substring(at, search.sure));
        at = search.sure;
        return false;
    }

    private void close(JoinedText target, Hit hit) {
        target.append(text.substring(at, hit.start()));
        target.endStretch();
        leave(hit.end());
    }

    private void endWithin(JoinedText target, Hit hit) {
        close(target, hit);
        state = State.ENDED;
    }

    private void leave(int next) {
        at = next;
        if (region.orElseThrow().openStart == next) {
            stepOver();
        }
        region = Optional.empty();
        state = State.CONTENT;
    }

    /// A region of no length must not open again and again.
    private void stepOver() {
        if (at < text.length()) {
            keep(text.substring(at, at + 1));
        }
        at = Math.min(text.length(), at + 1);
    }

    private boolean calls(Region.Calls calls) {
        OpenRegion open = region.orElseThrow();
        var search = new Search();
        calls.closes().forEach(mark -> search.add(mark, open.searched, hit -> mark(hit, true)));
        format.ends().forEach(mark -> search.add(mark, open.searched, hit -> mark(hit, false)));
        if (search.act()) {
            return true;
        }
        if (isWhole) {
            resolve(calls, Optional.empty(), false);
        }
        return isWhole;
    }

    /// A mark that may close calls, unless it stands in a string.
    private void mark(Hit hit, boolean closes) {
        OpenRegion open = region.orElseThrow();
        if (open.lexing.isInside(text, hit.start())) {
            if (closes && open.closeInString.isEmpty()) {
                open.closeInString = Optional.of(hit);
            }
            open.searched = hit.start() + 1;
        } else {
            resolve((Region.Calls) open.region, Optional.of(hit), closes);
        }
    }

    private void resolve(Region.Calls calls, Optional<Hit> hit, boolean isClosed) {
        OpenRegion open = region.orElseThrow();
        int end = hit.map(Hit::start).orElse(text.length());
        int next = isClosed ? hit.orElseThrow().end() : end;
        String problem = "it isn't closed";
        if (isClosed || calls.mayEndOpen()) {
            hit.ifPresent(h -> open.groups.putAll(h.groups()));
            problem = take(calls, end, next);
        }
        if (!problem.isEmpty() && open.closeInString.isPresent()) {
            Hit inString = open.closeInString.get();
            reread++;
            seekers.clear();
            next = inString.end();
            problem = take(calls, inString.start(), next);
        }
        if (!problem.isEmpty()) {
            message.unreadable(problem, text.substring(open.openStart, next));
        }
        leave(next);
    }

    /// Takes the calls up to a place; what is wrong with them if they can't be read.
    private String take(Region.Calls calls, int end, int next) {
        OpenRegion open = region.orElseThrow();
        try {
            String body = text.substring(open.start, end);
            message.take(
                    calls.reader().read(body, open.groups), text.substring(open.openStart, next));
            return "";
        } catch (UnreadableException e) {
            return e.getMessage();
        }
    }

    private boolean value(Region.Value value) {
        var search = new Search();
        value.closes().forEach(mark -> search.add(mark, at, hit -> put(value, hit, hit.end())));
        format.ends().forEach(mark -> search.add(mark, at, hit -> put(value, hit, hit.start())));
        if (search.act()) {
            return true;
        }
        if (isWhole) {
            int end = text.length();
            put(value, new Hit(end, end, Map.of()), end);
        }
        return isWhole;
    }

    private void put(Region.Value value, Hit hit, int next) {
        OpenRegion open = region.orElseThrow();
        open.groups.putAll(hit.groups());
        try {
            value.reader()
                    .read(text.substring(open.start, hit.start()), open.groups, message.values);
        } catch (UnreadableException e) {
            message.unreadable(e.getMessage(), text.substring(open.openStart, next));
        }
        leave(next);
    }
}
