package org.attune.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.BiFunction;

/// The variable `loop`. It is the loop's iterator and looks ahead only when asked, so that a loop
/// over a lazy filter sees changes that its body makes.
final class LoopContext implements Iterator<Object>, Invocable, HasAttributes {
    private final Object source;
    private final int depth;
    private final BiFunction<Object, Integer, Object> recursion;
    private Iterator<Object> items;
    private long index0 = -1;
    private long length = -1;
    private Object previous = Absent.ABSENT;
    private Object current = Absent.ABSENT;
    private Object next = Absent.ABSENT;
    private List<Object> changed = null;

    /// @param source    what is gone through
    /// @param depth     how deep in a recursive loop this is, from 0
    /// @param recursion renders the loop's body for other items one level deeper, or null
    LoopContext(Object source, int depth, BiFunction<Object, Integer, Object> recursion) {
        this.source = source;
        this.items = Sequences.iterate(source);
        this.depth = depth;
        this.recursion = recursion;
    }

    @Override
    public boolean hasNext() {
        return !(next instanceof Absent) || items.hasNext();
    }

    @Override
    public Object next() {
        Object item = next instanceof Absent ? items.next() : next;
        next = Absent.ABSENT;
        previous = current;
        current = item;
        index0++;
        return item;
    }

    private Object peek() {
        if (next instanceof Absent && items.hasNext()) {
            next = items.next();
        }
        return next;
    }

    long length() {
        if (length < 0) {
            length = countLength();
        }
        return length;
    }

    private long countLength() {
        if (!(source instanceof LazySequence) && !(source instanceof LoopContext)) {
            return Sequences.length(source);
        }
        var rest = new ArrayList<>();
        while (items.hasNext()) {
            Budget.items(1);
            rest.add(items.next());
        }
        items = rest.iterator();
        return rest.size() + index0 + (next instanceof Absent ? 1 : 2);
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "index0" -> index0;
            case "index" -> index0 + 1;
            case "length" -> length();
            case "revindex" -> length() - index0;
            case "revindex0" -> length() - index0 - 1;
            case "first" -> index0 == 0;
            case "last" -> peek() instanceof Absent;
            case "previtem" ->
                    previous instanceof Absent
                            ? Undefined.because("there is no previous item")
                            : previous;
            case "nextitem" ->
                    peek() instanceof Absent ? Undefined.because("there is no next item") : next;
            case "depth0" -> (long) depth;
            case "depth" -> depth + 1L;
            case "cycle" -> Builtin.of("cycle", "*", c -> cycle(c.more()));
            case "changed" -> Builtin.of("changed", "*", c -> changed(c.more()));
            default -> Absent.ABSENT;
        };
    }

    private Object cycle(List<Object> values) {
        if (values.isEmpty()) {
            throw JinjaException.type("no items for cycling given");
        }
        return values.get((int) (index0 % values.size()));
    }

    private boolean changed(List<Object> values) {
        boolean same = changed != null && JinjaOperators.equal(changed, values);
        Budget.items(values.size());
        changed = new ArrayList<>(values); // may hold None, so no List.copyOf
        return !same;
    }

    @Override
    public String name() {
        return "loop";
    }

    @Override
    public Object call(Arguments arguments) {
        if (recursion == null) {
            throw JinjaException.type(
                    "The loop must have the 'recursive' marker to be called recursively.");
        }
        if (arguments.positional().size() != 1) {
            throw JinjaException.type("loop() takes the items of the inner loop");
        }
        return recursion.apply(arguments.positional().getFirst(), depth + 1);
    }

    @Override
    public String toString() {
        return "<LoopContext " + (index0 + 1) + "/" + length() + ">";
    }
}
