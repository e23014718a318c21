package com.google.firebase;

/** Stands in for Firebase's class of this name. */
public class FirebaseApp {
    private static final FirebaseApp INSTANCE = new FirebaseApp();

    public static FirebaseApp getInstance() {
        return INSTANCE;
    }

    public FirebaseOptions getOptions() {
        return new FirebaseOptions();
    }
}
