"""What the DAG `video_transcode` needs beside itself: the application package and the steps inside it."""
