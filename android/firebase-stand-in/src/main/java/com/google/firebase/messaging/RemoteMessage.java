package com.google.firebase.messaging;

import java.util.HashMap;
import java.util.Map;

/** Stands in for Firebase's class of this name: its data, made by its builder. */
public final class RemoteMessage {
    private final Map<String, String> data;

    private RemoteMessage(Map<String, String> data) {
        this.data = data;
    }

    public Map<String, String> getData() {
        return data;
    }

    public static class Builder {
        private final Map<String, String> data = new HashMap<>();

        public Builder(String to) {}

        public Builder addData(String key, String value) {
            data.put(key, value);
            return this;
        }

        public RemoteMessage build() {
            return new RemoteMessage(new HashMap<>(data));
        }
    }
}
