package org.attune.serve;

import org.attune.error.Spelling;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// The names that requests may ask for. Thread-safe.
final class ServedModels {
    private final Map<String, ServedModel> byName =
            Collections.synchronizedMap(new LinkedHashMap<>());
    private final ServedModel base;
    private final Traffic traffic;
    private final long created = System.currentTimeMillis() / 1000;
    private final int length;
    private final LargeBodies large = new LargeBodies();

    /// @param traffic which of them answers whom
    /// @param length most tokens of a sequence
    ServedModels(ServedModel base, Traffic traffic, int length) {
        this.base = base;
        this.traffic = traffic;
        this.length = length;
        byName.put(base.name(), base);
    }

    ServedModel base() {
        return base;
    }

    /// Adds an adapter. One of the same name gives its name up, and is closed once no request uses
    /// it.
    void put(ServedModel model) {
        ServedModel before = byName.put(model.name(), model);
        if (before != null) {
            before.close();
        }
    }

    boolean has(String name) {
        return byName.containsKey(name);
    }

    /// Removes an adapter; it is closed once no request uses it.
    void remove(String name) throws ApiException {
        ServedModel model = named(name);
        if (model == base) {
            throw ApiException.bad("lora_name", name + " is the model itself, no adapter");
        }
        drop(name);
    }

    /// Removes an adapter, if it is there.
    void drop(String name) {
        ServedModel model = byName.remove(name);
        if (model != null) {
            model.close();
        }
    }

    Traffic traffic() {
        return traffic;
    }

    /// The body of a request, which may be as large as pictures make it if the models see.
    Fields body(Call call) throws ApiException, IOException, InterruptedException {
        return base.seesPictures() ? call.body(large) : call.body();
    }

    /// The name that a request asks for; the base's if it names none.
    String askedName(Fields body) throws ApiException {
        return body.text("model").orElse(base.name());
    }

    /// The model that answers a request, for as long as the request is answered.
    ///
    /// @param afterwards takes what is to be done once the request was answered
    ServedModel asked(Fields body, Consumer<Runnable> afterwards) throws ApiException {
        String name = askedName(body);
        named(name);
        ServedModel model = named(traffic.answering(name, body));
        while (!model.hold()) {
            model = named(traffic.answering(name, body)); // it was replaced, or removed
        }
        afterwards.accept(model::release);
        return model;
    }

    /// The model that is asked for something that not every model does.
    ///
    /// @param afterwards takes what is to be done once the request was answered
    ServedModel asked(Fields body, Ability ability, Consumer<Runnable> afterwards)
            throws ApiException {
        ServedModel model = asked(body, afterwards);
        Ability.require(model, ability, all());
        return model;
    }

    ServedModel named(String name) throws ApiException {
        ServedModel model = byName.get(name);
        if (model == null) {
            throw unknown(name);
        }
        return model;
    }

    private ApiException unknown(String name) {
        return new ApiException(
                404,
                "model_not_found",
                "there is no model \"%s\" here%s; /v1/models lists them"
                        .formatted(
                                name,
                                Spelling.nearest(name, names())
                                        .map("; did you mean \"%s\"?"::formatted)
                                        .orElse("")));
    }

    private List<String> names() {
        return all().stream().map(ServedModel::name).toList();
    }

    List<ServedModel> all() {
        synchronized (byName) {
            return new ArrayList<>(byName.values());
        }
    }

    /// `/v1/models`.
    Map<String, Object> list() {
        Map<String, Object> list = new LinkedHashMap<>();
        list.put("object", "list");
        list.put("data", all().stream().map(this::entry).toList());
        return list;
    }

    /// A model as `/v1/models` describes it.
    Map<String, Object> entry(ServedModel model) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("id", model.name());
        entry.put("object", "model");
        entry.put("created", created);
        entry.put("owned_by", "attune");
        entry.put("root", base.name());
        entry.put("parent", model.parent().orElse(null));
        entry.put("max_model_len", (long) length);
        return entry;
    }
}
