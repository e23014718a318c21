package com.google.firebase.messaging;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;

/** Stands in for Firebase's class of this name; calls nothing by itself. */
public class FirebaseMessagingService extends Service {
    public void onMessageReceived(RemoteMessage message) {}

    public void onNewToken(String token) {}

    @Override
    public final IBinder onBind(Intent intent) {
        return null;
    }
}
