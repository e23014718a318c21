package com.google.firebase;

/** Stands in for Firebase's class of this name. */
public final class FirebaseOptions {
    public String getProjectId() {
        return "stand-in";
    }
}
