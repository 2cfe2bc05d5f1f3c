package org.attune.agents.sandbox;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A program that is nothing but calls of Linux, for [CallRunner]: each names where its arguments
/// lie, where its answer goes, and which call comes after an answer of zero, above, or below.
///
/// The bytes, all of 64 bits: the length of what follows; the calls, of eleven words (number, six
/// arguments' addresses, the answer's address, the next call after zero, above, below); the data.
final class CallList {
    /// Where the calls lie in the memory of the process that makes them.
    private static final long CALLS_AT = CallRunner.MEMORY_AT + Long.BYTES;

    private static final int WORDS = 11;
    private static final int ARGUMENTS = 6;

    private final Machine machine;
    private final List<Call> calls = new ArrayList<>();
    private final List<Data> data = new ArrayList<>();
    private final Data ignored = data(new byte[Long.BYTES]);
    private final Data zero = data(new byte[Long.BYTES]);
    private long dataLength;

    CallList(Machine machine) {
        this.machine = machine;
    }

    /// Some bytes of the list's memory.
    static final class Data {
        private final byte[] bytes;
        private final List<Pointer> pointers = new ArrayList<>();
        private long offset;

        private Data(byte[] bytes) {
            this.bytes = bytes;
        }

        private record Pointer(int at, Data to) {}

        /// Makes eight bytes of it the address of other data.
        Data pointing(int at, Data to) {
            pointers.add(new Pointer(at, to));
            return this;
        }

        /// A place in it.
        Place at(int offset) {
            return new Place(this, offset);
        }
    }

    /// A place of eight bytes in data: an argument that is there when the call is made.
    record Place(Data data, int offset) {}

    /// A call of the system.
    final class Call {
        private final int number;
        private final List<Place> arguments = new ArrayList<>();
        private Place result;
        private Call ifZero;
        private Call ifAbove;
        private Call ifBelow;

        private Call(int number) {
            this.number = number;
            this.result = ignored.at(0);
        }

        /// Where the call's answer is kept, as an argument of later calls.
        Place result() {
            if (result.data() == ignored) {
                result = data(new byte[Long.BYTES]).at(0);
            }
            return result;
        }

        /// Puts the call's answer into a place.
        Call into(Place place) {
            result = place;
            return this;
        }

        Call onZero(Call next) {
            ifZero = next;
            return this;
        }

        Call onAbove(Call next) {
            ifAbove = next;
            return this;
        }

        Call onBelow(Call next) {
            ifBelow = next;
            return this;
        }
    }

    Data data(byte[] bytes) {
        var made = new Data(bytes);
        made.offset = dataLength;
        dataLength += (bytes.length + Long.BYTES - 1L) / Long.BYTES * Long.BYTES + Long.BYTES;
        data.add(made);
        return made;
    }

    /// Numbers of 64 bits.
    Data longs(long... values) {
        var bytes = new byte[values.length * Long.BYTES];
        Arrays.stream(values).forEach(littleEndian(bytes)::putLong);
        return data(bytes);
    }

    /// A text that ends with a zero.
    Data text(String text) {
        return data((text + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /// Addresses of texts, ending with a null.
    Data texts(List<String> texts) {
        Data all = data(new byte[(texts.size() + 1) * Long.BYTES]);
        for (int i = 0; i < texts.size(); i++) {
            all.pointing(i * Long.BYTES, text(texts.get(i)));
        }
        return all;
    }

    /// Appends a call, after which the next follows whatever it answers.
    ///
    /// @param arguments numbers, texts, [Data] for its address, or a [Place] for what is there
    Call call(String name, Object... arguments) {
        Call call = detached(name, arguments);
        calls.addLast(call);
        return call;
    }

    /// A call that is made only where another names it as its next.
    private Call detached(String name, Object... arguments) {
        var call = new Call(machine.number(name));
        for (Object argument : arguments) {
            call.arguments.add(
                    switch (argument) {
                        case Number number -> longs(number.longValue()).at(0);
                        case String text -> address(text(text));
                        case Data of -> address(of);
                        case Place place -> place;
                        default -> throw new IllegalArgumentException(argument.toString());
                    });
        }
        while (call.arguments.size() < ARGUMENTS) {
            call.arguments.add(zero.at(0));
        }
        return call;
    }

    private Place address(Data of) {
        return data(new byte[Long.BYTES]).pointing(0, of).at(0);
    }

    /// The machine whose calls the list holds.
    Machine machine() {
        return machine;
    }

    /// Sends it to a process of [CallRunner]. What follows is the input of whatever it becomes.
    void write(OutputStream out) throws IOException {
        long length = (long) calls.size() * WORDS * Long.BYTES + dataLength;
        if (length > CallRunner.MEMORY / 2) {
            throw new IOException(
                    "a program with its code takes %d MiB; at most %d MiB are possible"
                            .formatted(length >> 20, CallRunner.MEMORY / 2 >> 20));
        }
        var whole = new byte[(int) length + Long.BYTES];
        ByteBuffer bytes = littleEndian(whole);
        bytes.putLong(length);
        for (int i = 0; i < calls.size(); i++) {
            put(bytes, calls.get(i), i + 1 < calls.size() ? calls.get(i + 1) : calls.get(i));
        }
        int begin = bytes.position();
        for (Data of : data) {
            bytes.put(begin + (int) of.offset, of.bytes);
            for (Data.Pointer pointer : of.pointers) {
                bytes.putLong(begin + (int) of.offset + pointer.at(), address(pointer.to(), 0));
            }
        }
        out.write(whole);
        out.flush();
    }

    private void put(ByteBuffer bytes, Call call, Call following) {
        bytes.putLong(call.number);
        for (Place argument : call.arguments) {
            bytes.putLong(address(argument.data(), argument.offset()));
        }
        bytes.putLong(address(call.result.data(), call.result.offset()));
        for (Call next : Arrays.asList(call.ifZero, call.ifAbove, call.ifBelow)) {
            int index = calls.indexOf(next == null ? following : next);
            bytes.putLong(CALLS_AT + (long) index * WORDS * Long.BYTES);
        }
    }

    private long address(Data of, int at) {
        return CALLS_AT + (long) calls.size() * WORDS * Long.BYTES + of.offset + at;
    }

    /// Wraps bytes for numbers with their last byte first, as on both machines.
    static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
