package org.attune.tensor;

import org.attune.error.ShapeException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// One ATen operator, called by name through libtorch's dispatcher (autograd sees it). Declared
/// with its schema as libtorch prints it, less defaults; arguments are checked against the schema
/// before anything native happens, since a wrong one could kill the JVM.
/// ```
/// private static final Aten MM = Aten.of("aten::mm(Tensor self, Tensor mat2) -> Tensor");
/// Tensor c = MM.with(a).with(b).call();
/// ```
/// `Scalar`s can't be passed this way, and lists only to libtorch 2.10 and newer: such operators
/// are behind [NativeOps].
final class Aten {
    private enum Kind {
        TENSOR,
        OPTIONAL_TENSOR,
        INT,
        OPTIONAL_INT,
        FLOAT,
        OPTIONAL_FLOAT,
        BOOL,
        OPTIONAL_BOOL,
        INT_LIST,
        OPTIONAL_INT_LIST,
        TENSOR_LIST;

        boolean isOptional() {
            return name().startsWith("OPTIONAL");
        }
    }

    private static final List<Aten> ALL = new ArrayList<>();

    private final String name;
    private final MemorySegment operator;
    private final MemorySegment overload;
    private final Kind[] kinds;
    private final String[] argumentNames;
    private final int results;
    private final boolean view;
    private final boolean mayCopy; // where a view won't do
    private final boolean inPlace;

    // The call being built. Only the engine thread builds calls, and a call holds no others.
    private final long[] values;
    private final boolean[] present;
    private final Tensor[] tensors;
    private final Object[] lists; // long[] or Tensor[]
    private int count;

    private Aten(String schema) {
        int open = schema.indexOf('(');
        int arrow = schema.lastIndexOf("->");
        name = schema.substring(0, open);
        int dot = name.indexOf('.');
        operator = Libtorch.cString(dot < 0 ? name : name.substring(0, dot));
        overload = Libtorch.cString(dot < 0 ? "" : name.substring(dot + 1));
        String[] arguments =
                schema.substring(open + 1, schema.lastIndexOf(')', arrow)).split(", *");
        kinds = new Kind[arguments.length];
        argumentNames = new String[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            String[] typeAndName = arguments[i].trim().split(" ");
            kinds[i] = kind(typeAndName[0], schema);
            argumentNames[i] = typeAndName[1];
        }
        String result = schema.substring(arrow + 2).trim();
        results = result.equals("()") ? 0 : result.split(",").length;
        view = result.equals("Tensor(a)");
        mayCopy = name.equals(DeviceTraffic.RESHAPE);
        inPlace = result.equals("Tensor(a!)");
        values = new long[kinds.length];
        present = new boolean[kinds.length];
        tensors = new Tensor[kinds.length];
        lists = new Object[kinds.length];
    }

    static Aten of(String schema) {
        var op = new Aten(schema);
        ALL.add(op);
        return op;
    }

    /// Every operator declared so far.
    static List<Aten> all() {
        return ALL;
    }

    private static Kind kind(String type, String schema) {
        return switch (type.replaceAll("\\(a!?\\)", "")) {
            case "Tensor" -> Kind.TENSOR;
            case "Tensor?" -> Kind.OPTIONAL_TENSOR;
            case "int", "SymInt", "ScalarType" -> Kind.INT;
            case "int?", "SymInt?", "ScalarType?" -> Kind.OPTIONAL_INT;
            case "float" -> Kind.FLOAT;
            case "float?" -> Kind.OPTIONAL_FLOAT;
            case "bool" -> Kind.BOOL;
            case "bool?" -> Kind.OPTIONAL_BOOL;
            case "int[]", "SymInt[]" -> Kind.INT_LIST;
            case "int[]?" -> Kind.OPTIONAL_INT_LIST;
            case "Tensor[]" -> Kind.TENSOR_LIST;
            default ->
                    throw new IllegalArgumentException(
                            "the dispatcher can't pass type " + type + " of " + schema);
        };
    }

    /// Passes a tensor.
    Aten with(Tensor tensor) {
        Kind kind = next();
        if (kind != Kind.TENSOR && kind != Kind.OPTIONAL_TENSOR) {
            throw wrong("a tensor");
        }
        requireOpen(tensor);
        tensors[count] = tensor;
        present[count++] = true;
        return this;
    }

    private void requireOpen(Tensor tensor) {
        try {
            tensor.handle(); // throws if closed
        } catch (RuntimeException e) {
            reset(); // else the next call would find this one's arguments
            throw e;
        }
    }

    /// Passes a list of integers.
    Aten with(long[] value) {
        Kind kind = next();
        if (kind != Kind.INT_LIST && kind != Kind.OPTIONAL_INT_LIST) {
            throw wrong("integers");
        }
        lists[count] = value;
        present[count++] = true;
        return this;
    }

    /// Passes a list of tensors.
    Aten with(Tensor[] value) {
        if (next() != Kind.TENSOR_LIST) {
            throw wrong("tensors");
        }
        for (Tensor tensor : value) {
            requireOpen(tensor);
        }
        lists[count] = value;
        present[count++] = true;
        return this;
    }

    /// Passes an integer, a dtype's number.
    Aten with(long value) {
        Kind kind = next();
        if (kind != Kind.INT && kind != Kind.OPTIONAL_INT) {
            throw wrong("an integer");
        }
        values[count] = value;
        present[count++] = true;
        return this;
    }

    /// Passes a real number.
    Aten with(double value) {
        Kind kind = next();
        if (kind != Kind.FLOAT && kind != Kind.OPTIONAL_FLOAT) {
            throw wrong("a real number");
        }
        values[count] = Double.doubleToRawLongBits(value);
        present[count++] = true;
        return this;
    }

    /// Passes a truth value.
    Aten with(boolean value) {
        Kind kind = next();
        if (kind != Kind.BOOL && kind != Kind.OPTIONAL_BOOL) {
            throw wrong("a boolean");
        }
        values[count] = value ? 1 : 0;
        present[count++] = true;
        return this;
    }

    /// Leaves an optional argument out.
    Aten none() {
        if (!next().isOptional()) {
            throw wrong("None");
        }
        present[count++] = false;
        return this;
    }

    /// Runs the operator and gives its only result; for an in-place operator the tensor it changed.
    Tensor call() {
        Device device = run();
        long result = Libtorch.stack().getAtIndex(ValueLayout.JAVA_LONG, 0);
        if (inPlace) {
            Libtorch.delete(result);
            DeviceTraffic.called(name, device, false);
            return finish(tensors[0]);
        }
        Tensor first = tensors[0];
        reset(); // before a full GPU, or a sealed scope, may refuse the result
        Tensor made = Tensor.adopt(result, view, device);
        DeviceTraffic.called(name, first, made, view);
        return made;
    }

    /// Runs an operator with several results.
    Tensor[] callMany() {
        return callFirst(results);
    }

    /// Runs an operator with several results, of which the first are of use. The others may be of
    /// dtypes that Attune doesn't know, or none.
    Tensor[] callFirst(int wanted) {
        Device device = run();
        long[] handles = new long[results];
        for (int i = 0; i < results; i++) {
            handles[i] = Libtorch.stack().getAtIndex(ValueLayout.JAVA_LONG, i);
        }
        reset();
        DeviceTraffic.called(name, device, false);
        var out = new Tensor[wanted];
        int taken = 0;
        try {
            while (taken < wanted) {
                out[taken] = Tensor.adopt(handles[taken++], false, device);
            }
        } finally {
            for (int i = taken; i < results; i++) {
                Libtorch.delete(handles[i]);
            }
        }
        return out;
    }

    /// Runs an operator without a result.
    void callVoid() {
        DeviceTraffic.called(name, run(), false);
        finish(null);
    }

    /// Runs an operator that writes into its last argument.
    void callOut() {
        DeviceTraffic.called(name, run(), false);
        Libtorch.delete(Libtorch.stack().getAtIndex(ValueLayout.JAVA_LONG, 0));
        finish(null);
    }

    /// What is passed again when a recorded call is made again.
    ///
    /// @param tensors that live as long as the graph
    private record Recorded(long[] values, boolean[] present, Tensor[] tensors) {}

    /// Writes the call down where a graph is being recorded.
    ///
    /// @return whether it isn't to be made now
    /// @throws IllegalStateException if it can't be part of the graph
    private boolean isNoted() {
        Capture capture = Capture.of(tensors, count);
        if (capture == null || view && !mayCopy) { // of a view nothing is computed
            return false;
        }
        try {
            requireNotable(capture);
        } catch (RuntimeException e) {
            reset();
            throw e;
        }
        var call = new Recorded(values.clone(), present.clone(), capture.hold(tensors, count));
        if (!capture.notes(() -> again(call))) {
            return false;
        }
        // As if it had been made: its result is a tensor that is there already.
        long result = Libtorch.duplicate(tensors[0].handle());
        Libtorch.stack().setAtIndex(ValueLayout.JAVA_LONG, 0, result);
        return true;
    }

    private void requireNotable(Capture capture) {
        if (!inPlace || Arrays.stream(lists).anyMatch(Objects::nonNull)) {
            throw Capture.refusal(name, "its result is allocated");
        }
        for (int i = 0; i < count; i++) {
            if (tensors[i] != null && !capture.isOf(tensors[i])) {
                throw Capture.refusal(name, "it takes a tensor of another device, " + tensors[i]);
            }
        }
    }

    private void again(Recorded call) {
        System.arraycopy(call.values, 0, values, 0, values.length);
        System.arraycopy(call.present, 0, present, 0, present.length);
        System.arraycopy(call.tensors, 0, tensors, 0, tensors.length);
        count = kinds.length;
        callOut();
    }

    /// @return the device of the arguments and of the results
    private Device run() {
        if (count != kinds.length) {
            int got = count;
            reset();
            throw new IllegalStateException(
                    name + " takes " + kinds.length + " arguments, got " + got);
        }
        Device device = device();
        if (isNoted()) {
            return device;
        }
        MemorySegment stack = Libtorch.stack();
        for (int i = 0; i < count; i++) {
            stack.setAtIndex(ValueLayout.JAVA_LONG, i, slot(i));
        }
        long begun = OperatorTimes.begin();
        int failure = Libtorch.callDispatcher(operator.address(), overload.address());
        OperatorTimes.end(name, begun);
        if (failure != 0) {
            String message = describe() + Libtorch.reason();
            reset();
            throw FullDevice.instead(device, new ShapeException(message));
        }
        return device;
    }

    private Device device() {
        try {
            Device device = Placement.of(name, tensors, count);
            for (int i = 0; i < count; i++) {
                if (kinds[i] == Kind.TENSOR_LIST) {
                    device = Placement.with(device, name, (Tensor[]) lists[i]);
                }
            }
            return view && !mayCopy ? device : Placement.ready(device);
        } catch (RuntimeException e) {
            reset();
            throw e;
        }
    }

    private long slot(int i) {
        return switch (kinds[i]) {
            case TENSOR -> Libtorch.duplicate(tensors[i].handle());
            case OPTIONAL_TENSOR ->
                    present[i] ? Libtorch.some(Libtorch.duplicate(tensors[i].handle())) : 0;
            case INT, FLOAT, BOOL -> values[i];
            case OPTIONAL_INT, OPTIONAL_FLOAT, OPTIONAL_BOOL ->
                    present[i] ? Libtorch.some(values[i]) : 0;
            case INT_LIST -> Engine.shim().list((long[]) lists[i]);
            case OPTIONAL_INT_LIST ->
                    present[i] ? Libtorch.some(Engine.shim().list((long[]) lists[i])) : 0;
            case TENSOR_LIST -> Engine.shim().list(duplicates((Tensor[]) lists[i]));
        };
    }

    private static long[] duplicates(Tensor[] tensors) {
        long[] handles = new long[tensors.length];
        for (int i = 0; i < handles.length; i++) {
            handles[i] = Libtorch.duplicate(tensors[i].handle());
        }
        return handles;
    }

    private Tensor finish(Tensor result) {
        reset();
        return result;
    }

    private void reset() {
        for (int i = 0; i < count; i++) {
            tensors[i] = null;
            lists[i] = null;
        }
        count = 0;
    }

    private Kind next() {
        // Before anything is stored: another thread must not disturb a call that is being built.
        Engine.requireEngineThread();
        if (count == kinds.length) {
            reset();
            throw new IllegalStateException(name + " takes only " + kinds.length + " arguments");
        }
        return kinds[count];
    }

    private IllegalStateException wrong(String got) {
        var error =
                new IllegalStateException(
                        "%s: argument %s is %s, got %s"
                                .formatted(name, argumentNames[count], kinds[count], got));
        reset();
        return error;
    }

    private String describe() {
        var text = new StringBuilder(name).append(" refused its arguments:");
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? " " : ", ").append(argumentNames[i]).append(' ');
            switch (kinds[i]) {
                case TENSOR, OPTIONAL_TENSOR ->
                        text.append(present[i] ? tensors[i].toString() : "none");
                case FLOAT, OPTIONAL_FLOAT ->
                        text.append(present[i] ? Double.longBitsToDouble(values[i]) : "none");
                case INT_LIST, OPTIONAL_INT_LIST ->
                        text.append(present[i] ? Arrays.toString((long[]) lists[i]) : "none");
                case TENSOR_LIST -> text.append(Arrays.toString((Tensor[]) lists[i]));
                default -> text.append(present[i] ? values[i] : "none");
            }
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return name;
    }
}
